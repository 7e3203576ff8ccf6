"""Opening in a child process: the same result as without, and an end for mail that goes too far."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import smime
from sealmail.addresses import Mailbox
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.bounded.codec import decode, encode
from sealmail.bounded.wire import ConnectionLost, Wire
from sealmail.errors import EngineError
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust
from sealmail.mime import Draft, build_entity, build_headers, build_message
from sealmail.opening import open_message
from sealmail.policy import MEGABYTE, Policy
from sealmail.report import Encryption, Signature, Warning
from sealmail.testing import CA

NOW = datetime.now(UTC)
PLAIN = build_message(Draft(from_=(Mailbox("Erin", "erin@shop.example"),), subject="Where is it", text="My parcel.\n"))


@pytest.fixture(scope="module")
def opener() -> Iterator[BoundedOpener]:
    with BoundedOpener() as one:
        yield one


def test_the_child_finds_what_opening_finds(opener: BoundedOpener) -> None:
    ca = CA.create()
    carol, desk = ca.issue("carol@bank.example"), ca.issue("support@desk.example")
    draft = Draft(from_=(Mailbox("Carol", "carol@bank.example"),), subject="Contract", text="The words.\n")
    inner = smime.sign(build_entity(draft), carol, [ca.certificate], NOW)
    raw = build_headers(draft) + smime.encrypt(inner, [desk.key])
    keys, trust = MemoryKeyStore(keys=[carol.key], secrets=[desk]), MemoryTrust(anchors=[ca.anchor])

    there = opener.open_message(raw, keys, trust, Policy(), NOW)

    assert there == open_message(raw, keys, trust, Policy(), NOW)
    assert there.report.signature.verdict is Signature.GOOD


def test_a_mail_over_the_memory_limit_is_reported_and_the_next_one_opens() -> None:
    limits = ProcessLimits(memory_bytes=500 * MEGABYTE)
    huge = PLAIN + b"x" * (300 * MEGABYTE)
    with BoundedOpener(limits) as opener:
        result = opener.open_message(huge, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)
        after = opener.open_message(PLAIN, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)

    assert result.report.warnings == (Warning.OPENING_FAILED,)
    assert (result.report.encryption.verdict, result.report.encryption.reason) == (
        Encryption.UNSUPPORTED,
        "over_budget",
    )
    assert after.content.text == "My parcel.\n"


class _SlowKeys(MemoryKeyStore):
    """Ends the child while it waits for an answer, as a crash in native code would."""

    def __init__(self, opener: BoundedOpener) -> None:
        super().__init__()
        self._opener = opener

    def secrets(self, ids: object) -> list[object]:  # type: ignore[override]  # answers nothing on purpose
        assert self._opener._child is not None
        os.kill(self._opener._child.pid, signal.SIGKILL)
        return []


def test_a_child_that_dies_costs_one_mail_its_content_only() -> None:
    ca = CA.create()
    draft = Draft(from_=(Mailbox("Carol", "carol@bank.example"),), subject="Contract", text="The words.\n")
    raw = build_headers(draft) + smime.encrypt(build_entity(draft), [ca.issue("support@desk.example").key])
    with BoundedOpener() as opener:
        result = opener.open_message(raw, _SlowKeys(opener), MemoryTrust(), Policy(), NOW)
        after = opener.open_message(PLAIN, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)

    assert result.report.warnings == (Warning.OPENING_FAILED,)
    assert result.headers.subject == "Contract"
    assert after.headers.subject == "Where is it"


def test_a_mail_that_takes_too_long_is_reported() -> None:
    with BoundedOpener(ProcessLimits(wall_seconds=0.0)) as opener:
        result = opener.open_message(PLAIN, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)

    assert result.report.warnings == (Warning.OPENING_FAILED,)


class _BrokenKeys(MemoryKeyStore):
    def secrets(self, ids: object) -> list[object]:  # type: ignore[override]  # fails on purpose
        raise ConnectionRefusedError("database gone")


def test_a_failing_key_store_is_the_callers_error_and_leaves_the_opener_usable(opener: BoundedOpener) -> None:
    ca = CA.create()
    draft = Draft(from_=(Mailbox("Carol", "carol@bank.example"),), text="x")
    raw = build_headers(draft) + smime.encrypt(build_entity(draft), [ca.issue("support@desk.example").key])

    with pytest.raises(ConnectionRefusedError):
        opener.open_message(raw, _BrokenKeys(), MemoryTrust(), Policy(), NOW)

    after = opener.open_message(PLAIN, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)
    assert after.content.text == "My parcel.\n"


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=2000))
def test_any_bytes_give_a_report(opener: BoundedOpener, raw: bytes) -> None:
    result = opener.open_message(raw, MemoryKeyStore(), MemoryTrust(), Policy(), NOW)

    assert result.report.signature.verdict is not Signature.GOOD
    assert Warning.OPENING_FAILED not in result.report.warnings


def test_the_codec_keeps_values() -> None:
    key: Key = CA.create().issue("carol@bank.example").key
    value = ("ask", key, [key], {"a": 1}, frozenset({key.technology}), NOW, b"\x00\xff", None, True)

    kind, one, many, *rest = decode(encode(value))

    assert (kind, one, many) == ("ask", key, (key,))
    assert rest == [{"a": 1}, frozenset({key.technology}), NOW, b"\x00\xff", None, True]


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"[", b'{"d":["Popen",[]]}', b'{"e":["Reason","x"]}', b'{"b":7}', b'{"t":"never"}', b'{"x":1,"y":2}'],
)
def test_the_codec_makes_nothing_from_strange_documents(document: bytes) -> None:
    with pytest.raises(EngineError):
        decode([document])


def test_the_codec_does_not_send_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        encode(object())


def test_a_wire_refuses_messages_over_its_limit() -> None:
    reader, writer = os.pipe()
    back_reader, back_writer = os.pipe()
    sending = Wire(back_reader, writer, most_bytes=10_000)
    receiving = Wire(reader, back_writer, most_bytes=100)

    sending.send([b"x" * 200])

    with pytest.raises(ConnectionLost):
        receiving.receive()
    for descriptor in (reader, writer, back_reader, back_writer):
        os.close(descriptor)
