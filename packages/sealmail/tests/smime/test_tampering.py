"""Whatever is done to the bytes, nothing is raised, and nothing looks better than it was."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import smime
from sealmail.keys import MemoryKeyStore
from sealmail.policy import Policy
from sealmail.report import Encryption, Integrity

POLICY = Policy()


@pytest.fixture(scope="module")
def signed(owners, entity: bytes, now: datetime, parts_of, cms_of) -> dict[str, tuple[bytes, bytes | None]]:
    """Messages of each form, with the content where it is beside them."""
    forms: dict[str, tuple[bytes, bytes | None]] = {}
    for kind in ("rsa2048", "ec", "ed25519"):
        secret = owners[kind].secret
        forms[f"{kind} detached"] = parts_of(smime.sign(entity, secret, [], now))[1], entity
        forms[f"{kind} opaque"] = cms_of(smime.sign_opaque(entity, secret, [], now)), None
    return forms


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_tampered_signature_is_never_better(data, signed, owners, entity: bytes, now: datetime) -> None:
    name = data.draw(st.sampled_from(sorted(signed)))
    message, content = signed[name]
    tampered = _tampered(data, message)

    result = smime.verify(tampered, content, MemoryKeyStore(), POLICY, now)

    smime.kind(tampered)
    for signer in result.signers:
        if signer.integrity is Integrity.INTACT:
            # What still fits is the same statement by the same owner about the same content: another encoding of it,
            # or a change in what nobody signed.
            assert (signer.key, signer.signed_at) == (owners[name.split()[0]].key, now)
            assert entity in {content, result.payload}


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_tampered_content_is_never_intact(data, signed, entity: bytes, now: datetime) -> None:
    message, _ = signed[data.draw(st.sampled_from(["rsa2048 detached", "ec detached", "ed25519 detached"]))]
    tampered = _tampered(data, entity)

    (signer,) = smime.verify(message, tampered, MemoryKeyStore(), POLICY, now).signers

    # Only where a server took the CRLF of all lines away is it the same content.
    same = tampered in {entity, entity.replace(b"\r\n", b"\n")}
    assert signer.integrity is (Integrity.INTACT if same else Integrity.CHANGED)


@pytest.mark.mission("B14")
@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ed25519"])
def test_a_signature_holds_where_all_lines_lost_their_carriage_return_and_not_where_one_did(
    signed, entity: bytes, now: datetime, kind: str
) -> None:
    message, _ = signed[f"{kind} detached"]
    all_lines, one_line = entity.replace(b"\r\n", b"\n"), entity.replace(b"\r\n", b"\n", 1)

    found = [smime.verify(message, content, MemoryKeyStore(), POLICY, now) for content in (all_lines, one_line)]

    assert [result.signers[0].integrity for result in found] == [Integrity.INTACT, Integrity.CHANGED]


@pytest.fixture(scope="module")
def sealed(owners, entity: bytes, cms_of) -> dict[str, bytes]:
    return {
        f"{kind} {'gcm' if gcm else 'cbc'}": cms_of(smime.encrypt(entity, [owners[kind].key], gcm=gcm))
        for kind in ("rsa2048", "ec", "x25519")
        for gcm in (False, True)
    }


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_tampered_encryption_never_gives_other_authenticated_text(data, sealed, owners, entity: bytes) -> None:
    name = data.draw(st.sampled_from(sorted(sealed)))
    secret = owners[name.split()[0]].secret

    result = smime.decrypt(_tampered(data, sealed[name]), MemoryKeyStore(secrets=[secret]), POLICY)

    assert (result.payload is not None) is (result.facts.verdict is Encryption.DECRYPTED)
    if result.payload is not None and not result.facts.malleable:
        assert result.payload == entity


def test_every_truncation_has_an_outcome(signed, sealed, owners, now: datetime) -> None:
    keys = MemoryKeyStore(secrets=[owners["ec"].secret])
    for message, content in (signed["ec detached"], signed["ec opaque"]):
        for length in range(len(message)):
            (signer,) = smime.verify(message[:length], content, keys, POLICY, now).signers
            assert signer.integrity is Integrity.MALFORMED
    for message in (sealed["ec cbc"], sealed["ec gcm"]):
        for length in range(len(message)):
            assert smime.decrypt(message[:length], keys, POLICY).facts.verdict is Encryption.DAMAGED


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_outcome(data: bytes) -> None:
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

    smime.kind(data)
    assert smime.decrypt(data, MemoryKeyStore(), POLICY).payload is None
    assert smime.verify(data, b"content", MemoryKeyStore(), POLICY, now).payload is None


def _tampered(data, message: bytes) -> bytes:
    """The message with one to three changes: an octet replaced, removed or added."""
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                changed[place] = data.draw(st.integers(0, 255))
            case "remove":
                del changed[place]
            case _:
                changed.insert(place, data.draw(st.integers(0, 255)))
    return bytes(changed)
