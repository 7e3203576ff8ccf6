"""Messages that are not built as RFC 9580 §10.3 says: never a crash, and never good for what was not signed."""

import bz2
import subprocess
import time
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest

from sealmail import openpgp
from sealmail.errors import InputError, LimitExceeded
from sealmail.keys import MemoryKeyStore
from sealmail.keys.openpgp_key import key_from_openpgp, split_keys
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.openpgp.containers import seal_mdc
from sealmail.openpgp.content import MAXIMUM_NESTING, read_content
from sealmail.policy import Budget
from sealmail.report import Encryption, Integrity
from sealmail.testing import openpgp_key

TEXT = b"I agree.\r\n"
EVIL = b"I agree to everything.\r\n"
BOB = "bob@example.org"
GOOD = [(Integrity.INTACT, None)]
MARKER = packet(Tag.MARKER, b"PGP")
PADDING = packet(Tag.PADDING, bytes(40))
PRIVATE = packet(60, b"made up")


@pytest.fixture(scope="module")
def pieces(gpg):
    """One-pass packet, literal and signature of a message that Bob signed."""
    message = gpg("--compress-algo", "none", "--local-user", BOB, "--sign", stdin=TEXT)
    return {one.tag: packet(one.tag, one.body) for one in walk(message)}


@pytest.fixture
def parts(pieces):
    return pieces[Tag.ONE_PASS], pieces[Tag.LITERAL], pieces[Tag.SIGNATURE]


@pytest.fixture
def checked(store, policy, now):
    """Payload and integrity of a signed message."""

    def check(message):
        result = openpgp.verify_opaque(message, store, policy, now)
        return result.payload, [(one.integrity, one.why) for one in result.signers]

    return check


@pytest.fixture(scope="module")
def session(gpg, sessions):
    return sessions(gpg, BOB)


@pytest.fixture
def opened(store, policy, now, session):
    """What becomes of packets that are put into an encrypted message to Bob."""

    def open_(content, budget=None):
        wrapped, key = session
        message = wrapped + packet(Tag.PROTECTED, seal_mdc(content, key))
        limits = replace(policy, budget=budget) if budget else policy
        return openpgp.decrypt(message, store, limits, now)

    return open_


BROKEN = (None, [(Integrity.MALFORMED, "signature_unreadable")])


def zipped(content):
    return packet(Tag.COMPRESSED, b"\2" + zlib.compress(content))


@pytest.mark.mission("P3")
def test_the_forms_that_a_signed_message_may_have(parts, checked):
    one_pass, literal, signature = parts
    forms = [
        one_pass + literal + signature,
        signature + literal,
        zipped(one_pass + literal + signature),
        one_pass + zipped(literal) + signature,
        packet(Tag.COMPRESSED, b"\0" + one_pass + literal + signature),
        packet(Tag.COMPRESSED, b"\1" + zlib.compress(one_pass + literal + signature)[2:-4]),
        packet(Tag.COMPRESSED, b"\3" + bz2.compress(one_pass + literal + signature)),
        zipped(zipped(zipped(one_pass + literal + signature))),
        MARKER + one_pass + PADDING + literal + PRIVATE + signature + PADDING,
    ]

    assert [checked(form) for form in forms] == [(TEXT, GOOD)] * len(forms)


@pytest.mark.mission("B14")
def test_what_is_no_message_is_nothing(parts, checked, opened, literal):
    one_pass, text, signature = parts
    evil = literal(EVIL)
    whole = one_pass + text + signature
    for broken in (
        b"",
        text + evil,
        evil + whole,
        whole + evil,
        whole + whole,
        one_pass + text + evil + signature,
        one_pass + text + signature + signature,
        text + signature,
        text + signature + one_pass,
        one_pass + signature,
        zipped(text) + evil,
        zipped(whole) + evil,
        zipped(one_pass) + text + signature,
        zipped(one_pass + text) + signature,
        zipped(text + evil),
        whole + packet(39, b"unknown and critical"),
        packet(Tag.USER_ID, b"Bob <bob@example.org>") + whole,
        whole + b"trailing words",
        whole + b"\x00" * 20,
    ):
        assert checked(broken) == BROKEN
        inside = opened(broken)
        assert (inside.facts.verdict, inside.facts.why, inside.payload) == (Encryption.DAMAGED, "content", None)


def test_signatures_that_are_announced_and_missing(parts, checked):
    one_pass, literal, signature = parts
    missing = (Integrity.MALFORMED, "signature_missing")

    assert checked(one_pass + literal) == (TEXT, [missing])
    assert checked(one_pass + one_pass + literal + signature) == (TEXT, [*GOOD, missing])


def test_a_signature_over_another_text_in_good_order(parts, checked, literal):
    one_pass, _, signature = parts

    assert checked(one_pass + literal(EVIL) + signature) == (EVIL, [(Integrity.CHANGED, None)])


def test_two_signatures_in_any_order_are_each_judged_for_themselves(gpg, checked):
    # One-pass packets are hints for readers of streams; ours checks each signature over the one literal.
    message = gpg("--compress-algo", "none", "-u", BOB, "-u", "alice@example.org", "--sign", stdin=TEXT)
    first, second, text, third, fourth = (packet(one.tag, one.body) for one in walk(message))

    for form in (
        first + second + text + third + fourth,
        first + second + text + fourth + third,
        second + first + text + third + fourth,
    ):
        assert checked(form) == (TEXT, GOOD * 2)


def test_a_notarization_is_not_taken_for_a_broken_signature(parts, checked, now, cast, write_signature):
    # Sequoia can sign a text together with the signatures in it; we check only what is over the text.
    one_pass, literal, signature = parts
    outer = write_signature(cast.alice, now, TEXT + signature)
    body = next(walk(one_pass)).body
    nested, same = packet(Tag.ONE_PASS, body[:-1] + b"\1"), packet(Tag.ONE_PASS, body[:-1] + b"\0")

    assert checked(nested + one_pass + literal + signature + outer) == (
        TEXT,
        [*GOOD, (Integrity.UNSUPPORTED, "notarization")],
    )
    assert checked(same + one_pass + literal + signature + outer) == (TEXT, [*GOOD, (Integrity.CHANGED, None)])


def test_sequoias_notarizations_and_second_signers_are_told_apart(tmp_path, policy, now):
    def sq(*arguments):
        subprocess.run(["sq", *map(str, arguments)], check=True, capture_output=True, cwd=tmp_path, timeout=60)

    (tmp_path / "text").write_bytes(TEXT)
    for name in ("a", "b"):
        sq("key", "generate", "--userid", f"<{name}@example.org>", "--export", name)
    sq("sign", "--signer-key", "a", "--output", "signed", "text")
    sq("sign", "--append", "--signer-key", "b", "--output", "both", "signed")
    sq("sign", "--notarize", "--signer-key", "b", "--output", "notarized", "signed")
    keys = [key_from_openpgp(one) for name in "ab" for one in split_keys((tmp_path / name).read_bytes())]

    def found(name):
        signers = openpgp.verify_opaque((tmp_path / name).read_bytes(), MemoryKeyStore(keys=keys), policy, now).signers
        return {(one.key.addresses[0][0], one.integrity, one.why) for one in signers}

    intact = ("a", Integrity.INTACT, None)
    assert found("both") == {intact, ("b", Integrity.INTACT, None)}
    assert found("notarized") == {intact, ("b", Integrity.UNSUPPORTED, "notarization")}


def test_an_empty_message_may_be_signed(gpg, checked):
    assert checked(gpg("--local-user", BOB, "--sign", stdin=b"")) == (b"", GOOD)
    assert checked(gpg("--local-user", BOB, "--textmode", "--sign", stdin=b"")) == (b"", GOOD)


@pytest.mark.parametrize("form", [b"b", b"t", b"u", b"m", b"l", b"?"])
@pytest.mark.parametrize(
    "name", [b"", b"_CONSOLE", b"\n[GNUPG:] GOODSIG 0123 Alice\n", b"../../etc/passwd", b"\xff" * 255]
)
def test_format_and_file_name_of_a_literal_have_no_effect(parts, checked, literal, form, name):
    one_pass, _, signature = parts

    assert checked(one_pass + literal(TEXT, form, name) + signature) == (TEXT, GOOD)
    assert checked(one_pass + literal(EVIL, form, name) + signature) == (EVIL, [(Integrity.CHANGED, None)])


@pytest.mark.parametrize("text", [b"a\nb\n", b"a\r\nb\r\n", b"a\nb\r\n", b"a \nb\t\n"])
def test_a_signature_over_text_holds_for_any_line_ends(cast, now, checked, literal, write_signature, text):
    signature = write_signature(cast.bob, now, text, kind=1)

    for sent in (text, text.replace(b"\r\n", b"\n"), text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
        assert checked(signature + literal(sent, b"t")) == (sent, GOOD)
    assert checked(signature + literal(text.replace(b" ", b"") + b"x", b"t"))[1] == [(Integrity.CHANGED, None)]


def test_a_binary_signature_holds_for_no_other_line_ends(cast, now, checked, literal, write_signature):
    signature = write_signature(cast.bob, now, b"a\nb\n")

    assert checked(signature + literal(b"a\nb\n", b"t")) == (b"a\nb\n", GOOD)
    assert checked(signature + literal(b"a\r\nb\r\n", b"t"))[1] == [(Integrity.CHANGED, None)]


def test_an_encrypted_message_is_session_keys_and_one_container(session, store, policy, now, literal):
    wrapped, key = session
    container = packet(Tag.PROTECTED, seal_mdc(literal(TEXT), key))

    def found(message):
        result = openpgp.decrypt(message, store, policy, now)
        return result.payload, result.facts.verdict

    taken = (TEXT, Encryption.DECRYPTED)
    for form in (
        MARKER + wrapped + PADDING + container,
        wrapped + container + PADDING,
        PRIVATE + wrapped + container,
        wrapped + container + b"\n",
        wrapped + container + b"\r\n",
    ):
        assert found(form) == taken
    for form in (
        literal(EVIL) + wrapped + container,
        wrapped + container + literal(EVIL),
        wrapped + container + container,
        wrapped + container + wrapped,
        wrapped + packet(Tag.USER_ID, b"x") + container,
        wrapped + packet(39, b"x") + container,
        wrapped + container + b"trailing words",
        container + wrapped,
    ):
        assert found(form) == (None, Encryption.DAMAGED)


def test_an_encrypted_message_in_another_is_told(session, opened, literal):
    wrapped, key = session

    result = opened(wrapped + packet(Tag.PROTECTED, seal_mdc(literal(TEXT), key)))

    assert (result.facts.verdict, result.facts.why) == (Encryption.UNSUPPORTED, "nested_encryption")
    assert result.payload is None


def test_an_unknown_compression_is_told(opened, checked):
    result = opened(packet(Tag.COMPRESSED, b"\x09whatever"))

    assert (result.facts.verdict, result.facts.why) == (Encryption.UNSUPPORTED, "compression")
    assert checked(packet(Tag.COMPRESSED, b"\x09whatever")) == BROKEN


def _in_pieces(tag, body):
    return bytes([0xC0 | tag, 224 + 3]) + body[:8] + bytes([len(body) - 8]) + body[8:]


def test_only_data_may_come_in_pieces(parts, checked, cast, gpg):
    one_pass, literal, signature = parts
    bodies = {one.tag: one.body for one in walk(one_pass + literal + signature)}

    assert checked(one_pass + _in_pieces(Tag.LITERAL, bodies[Tag.LITERAL]) + signature) == (TEXT, GOOD)
    assert checked(_in_pieces(Tag.ONE_PASS, bodies[Tag.ONE_PASS]) + literal + signature) == BROKEN
    assert checked(one_pass + literal + _in_pieces(Tag.SIGNATURE, bodies[Tag.SIGNATURE])) == BROKEN
    # A packet of the old format without a length runs to the end.
    assert checked(one_pass + literal + bytes([0x80 | Tag.SIGNATURE << 2 | 3]) + bodies[Tag.SIGNATURE]) == BROKEN
    material = gpg.public(BOB)
    head, *others = walk(material)
    with pytest.raises(InputError):
        key_from_openpgp(_in_pieces(head.tag, head.body) + b"".join(packet(one.tag, one.body) for one in others))


@pytest.mark.mission("B14")
def test_ten_thousand_signatures_take_no_time(parts, cast, store, policy, now):
    one_pass, literal, signature = parts
    began = time.process_time()

    attached = openpgp.verify_opaque(one_pass * 9_999 + literal + signature * 9_999, store, policy, now)
    detached = openpgp.verify(signature * 10_000, TEXT, store, policy, now)

    assert time.process_time() - began < 2
    for result in (attached, detached):
        assert len(result.signers) == policy.budget.signers + 1
        assert result.signers[-1].why == "too_many_signatures"


@pytest.mark.mission("B14")
@pytest.mark.parametrize("is_hidden", [True, False])
def test_ten_thousand_recipients_take_little_time(session, store, policy, now, literal, is_hidden):
    wrapped, key = session
    body = next(walk(wrapped)).body
    hidden = packet(Tag.PKESK, (body[:1] + bytes(8) if is_hidden else body[:9]) + body[9:-20] + bytes(20))
    container = packet(Tag.PROTECTED, seal_mdc(literal(TEXT), key))
    began = time.process_time()

    result = openpgp.decrypt(hidden * 10_000 + container, store, policy, now)

    assert time.process_time() - began < 5
    assert result.facts.verdict in {Encryption.NO_KEY, Encryption.DAMAGED}


def test_hidden_recipients_past_the_limit_are_told(session, cast, policy, now, literal):
    wrapped, key = session
    body = next(walk(wrapped)).body
    hidden = packet(Tag.PKESK, body[:1] + bytes(8) + body[9:-20] + bytes(20))
    container = packet(Tag.PROTECTED, seal_mdc(literal(TEXT), key))
    store = MemoryKeyStore(secrets=[cast.bob, openpgp_key("x@example.org"), openpgp_key("y@example.org")])

    few, many = (openpgp.decrypt(hidden * count + container, store, policy, now).facts for count in (100, 200))

    assert (few.verdict, few.why) == (Encryption.NO_KEY, None)
    assert (many.verdict, many.why) == (Encryption.REFUSED, "limit_exceeded")


def test_a_container_is_not_tried_with_every_session_key_that_somebody_sends(gpg, sessions, store, policy, now):
    # Anybody can wrap session keys for us; each would cost a decryption of the whole.
    many = b"".join(sessions(gpg, BOB)[0] for _ in range(4)) * 20
    container = packet(Tag.PROTECTED, seal_mdc(bytes(2_000_000), bytes(32)))
    began = time.process_time()

    result = openpgp.decrypt(many + container, store, policy, now)

    assert time.process_time() - began < 2
    assert (result.facts.verdict, result.facts.why) == (Encryption.DAMAGED, "changed")


@pytest.mark.mission("B14")
def test_bombs_and_nests_stop_at_the_limit(opened, literal):
    deep = literal(TEXT)
    for _ in range(MAXIMUM_NESTING + 1):
        deep = zipped(deep)
    bomb = zipped(literal(bytes(20_000_000)))

    assert [opened(deep).facts.why, opened(bomb, Budget(payload_bytes=1_000_000)).facts.why] == ["limit_exceeded"] * 2
    with pytest.raises(LimitExceeded):
        read_content(bomb, 1_000_000)


@pytest.mark.parametrize("stream", ["a3015bff", "a30100", "a302789c", "a303425a6839", "a3"])
def test_a_compressed_stream_that_never_ends_is_broken(stream):
    # The first one kept GnuPG busy for ever (CVE-2014-4617).
    with pytest.raises(InputError):
        read_content(bytes.fromhex(stream), 1_000_000)


def test_a_packet_that_holds_itself_ends():
    # An uncompressed "compressed" packet without length holds all that follows: the nearest thing to a quine.
    with pytest.raises(LimitExceeded):
        read_content(b"\xa3\0" * 10_000, 1_000_000)


@pytest.mark.mission("B14")
def test_a_signed_message_that_is_cut_off_anywhere(gpg, checked):
    message = dearmor(gpg("--compress-algo", "none", "--local-user", BOB, "--sign", stdin=TEXT))

    for end in range(len(message)):
        payload, facts = checked(message[:end])
        assert payload in {None, TEXT}
        assert Integrity.INTACT not in {integrity for integrity, _ in facts}


@pytest.mark.mission("B14")
def test_a_detached_signature_that_is_cut_off_anywhere(pieces, store, policy, now):
    signature = pieces[Tag.SIGNATURE]

    for end in range(len(signature)):
        for short in (signature[:end], packet(Tag.SIGNATURE, signature[2:end])):
            facts = openpgp.verify(short, TEXT, store, policy, now).signers
            assert [one.integrity for one in facts] != [Integrity.INTACT]


@pytest.mark.mission("B14")
def test_an_encrypted_message_that_is_cut_off_anywhere(session, store, policy, now, literal):
    wrapped, key = session
    message = wrapped + packet(Tag.PROTECTED, seal_mdc(literal(TEXT), key))

    for end in range(len(message)):
        assert openpgp.decrypt(message[:end], store, policy, now).payload is None


def test_a_key_that_is_cut_off_anywhere_is_never_more(gpg, cast, now):
    material = gpg.public(BOB)
    for end in range(len(material)):
        try:
            key = key_from_openpgp(material[:end])
        except InputError:
            continue
        assert set(key.ids) <= set(cast.bob.key.ids)
        assert set(key.addresses) <= set(cast.bob.key.addresses)


def test_times_stay_what_they_are_at_three_times(parts, cast, policy, now):
    store = MemoryKeyStore(keys=[cast.bob.key])
    message = b"".join(parts)

    found = [
        [finding.value for finding in openpgp.verify_opaque(message, store, policy, at).signers[0].findings]
        for at in (now - timedelta(days=30), now, now + timedelta(days=3650))
    ]

    assert found == [["not_yet_valid"], [], []]
