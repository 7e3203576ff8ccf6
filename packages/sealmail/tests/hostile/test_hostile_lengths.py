"""CMS that is cut off, lies about lengths, never ends, or goes too deep: a report, and never a better one."""

from __future__ import annotations

from base64 import b64decode

import pytest

from sealmail import ber, smime
from sealmail.report import Signature, Warning

FORMS = ["opaque", "detached", "CBC", "GCM", "compressed"]
every_form = pytest.mark.parametrize("form", FORMS)


@every_form
def test_the_messages_are_good_before_they_are_spoilt(hostile, form: str) -> None:
    assert hostile.verdict(hostile.forms[form], form) is Signature.GOOD


@pytest.mark.mission("B14")
@every_form
def test_message_cut_off_at_any_octet_is_never_good(hostile, form: str) -> None:
    message = hostile.forms[form]

    verdicts = {hostile.verdict(message[:length], form) for length in range(len(message))}

    assert Signature.GOOD not in verdicts


LIES = [
    b"\x00",
    b"\x7f",
    b"\x80",
    b"\x81\x00",
    b"\x82\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x88" + b"\xff" * 8,
    b"\x88\x7f" + b"\xff" * 7,
    b"\x89" + b"\x01" * 9,
    b"\xff",
]


@pytest.mark.mission("B14")
@every_form
def test_length_that_lies_is_survived_and_never_makes_other_words_good(hostile, parsed, form: str) -> None:
    message = hostile.forms[form]
    root = parsed(message)
    seen = set()
    for node in root.walk():
        size = _size(node)
        for lie in (*LIES, *(ber.header(0, other)[1:] for other in (size - 1, size + 1, 2 * size + 5) if other >= 0)):
            node.length = lie
            seen.add(hostile.verdict(root.encoded, form))
        node.length = None

    assert root.encoded == message
    assert seen >= {Signature.BAD if form in {"opaque", "detached"} else Signature.NONE}


def _size(node) -> int:
    return len(node.octets) if node.children is None else sum(len(child.encoded) for child in node.children)


@pytest.mark.mission("B14")
@every_form
def test_indefinite_lengths_without_an_end_are_survived(hostile, parsed, form: str) -> None:
    root = parsed(hostile.forms[form])
    verdicts = {}
    for number, node in enumerate(root.walk()):
        if node.children is not None:
            node.length = b"\x80"
            verdicts[number] = hostile.verdict(root.encoded, form)
            node.length = None

    # The outermost three hold everything; what nobody reads further inside may stay open.
    assert [verdicts[number] for number in (0, 2, 3)].count(Signature.GOOD) == 0


@pytest.mark.parametrize("depth", [100, 10_000])
@pytest.mark.parametrize("opening", [b"\x30\x80", b"\x30\x84\x7f\xff\xff\xff", b"\xa0\x80", b"\x24\x80", b"\x31\x80"])
def test_nesting_is_survived(hostile, opening: bytes, depth: int) -> None:
    assert hostile.verdict(opening * depth) is not Signature.GOOD
    assert hostile.verdict(opening * depth + b"\0\0" * depth) is not Signature.GOOD


@every_form
@pytest.mark.parametrize("depth", [100, 10_000])
def test_nesting_in_the_place_of_each_element_is_survived(hostile, parsed, form: str, depth: int) -> None:
    """In proper definite lengths, at each place of a message that is right otherwise."""
    deep = b""
    for _ in range(depth):
        deep = ber.header(ber.SEQUENCE, len(deep)) + deep
    root = parsed(hostile.forms[form])
    verdicts = []
    for node in [*root.walk()][:: 1 if depth < 1000 else 6]:
        tag, octets, children = node.tag, node.octets, node.children
        node.tag, node.octets, node.children = deep[0], ber.read(deep).content, None
        verdicts.append(hostile.verdict(root.encoded, form))
        node.tag, node.octets, node.children = tag, octets, children

    assert len(verdicts) > 1
    assert verdicts[0] is not Signature.GOOD
    assert hostile.verdict(root.encoded, form) is Signature.GOOD


def test_message_in_a_hundred_messages_is_cut_by_the_budget(hostile) -> None:
    entity = b"Content-Type: text/plain\r\n\r\nWords.\r\n"
    for _ in range(100):
        opaque = smime.sign_opaque(entity, hostile.carol, [], hostile.now)
        head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        entity = head + b64decode(opaque.partition(b"\r\n\r\n")[2])
    opened = hostile.opened(b64decode(opaque.partition(b"\r\n\r\n")[2]))

    assert Warning.CUT_BY_LIMITS in opened.report.warnings
    assert len(opened.report.layers) == 8
    assert "Words" not in opened.content.text
