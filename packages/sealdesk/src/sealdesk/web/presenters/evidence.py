"""The frozen report of a mail as rows to read: all facts, in order. Reads the report's JSON; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sealdesk.keyring.naming import KeyNames
from sealdesk.web.presenters.encryption import ENCRYPTION, TECHNOLOGIES
from sealdesk.web.presenters.gaps import JSON, moment, speaking_signer, words
from sealdesk.web.presenters.key_names import fingerprinted, grouped, identified
from sealdesk.web.presenters.revocation import revocation_words
from sealdesk.web.presenters.warnings import BINDING, FINDINGS, INTEGRITY, KEY_SOURCES, TRUST
from sealmail.keys import Technology, TrustLevel
from sealmail.report import Binding, Encryption, Finding, Integrity, KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fact with its name; `is_code`: digits and letters to compare."""

    name: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Facts that belong together."""

    title: str
    rows: tuple[Row, ...]
    is_nested: bool = False


def blocks(report: JSON | None, names: KeyNames) -> list[Block]:
    """All facts of a report: its time, each layer from the outside in, parts, and the keys that came along."""
    if not report:
        return []
    show = _Layers(report, names)
    found = [Block(title="Checked", rows=(Row(name="When", value=moment(report.get("at"))),))]
    found += list(show.blocks(report.get("layers", ())))
    for part in report.get("parts", ()):
        found += [_nested(block, part["path"]) for block in show.blocks(part["layers"])]
    found += [_key_block(key) for key in report.get("keys_seen", ())]
    return found


def sent_blocks(plan: JSON | None, names: KeyNames) -> list[Block]:
    """How a mail of ours was sealed, copy by copy, from the plan that was carried out."""
    copies = (plan or {}).get("copies", ())
    return [
        Block(title=f"Copy {number}, {_technology(copy)}", rows=tuple(_copy_rows(copy, names)))
        for number, copy in enumerate(copies, start=1)
        if copy.get("technology")
    ]


def card(report: JSON) -> Iterator[Row]:
    """The few facts that matter most: who signed, until when, vouched for by whom, when it was checked."""
    facts = speaking_signer(report)
    signer = facts.get("signer") or {}
    yield from _rows(
        ("Name", signer.get("name")),
        ("Address", ", ".join(signer.get("addresses", ()))),
        ("Issuer", facts.get("issuer_name")),
        ("Valid until", moment(facts["valid_until"]) if facts.get("valid_until") else None),
        ("Trust", words(TRUST, TrustLevel, str(facts.get("trust", "")).upper()) if facts else None),
        ("Checked", moment(report.get("at")) if report.get("at") else None),
    )
    if signer.get("fingerprint"):
        yield Row(name="Fingerprint", value=grouped(signer["fingerprint"]), is_code=True)


class _Layers:
    """The layers of one report, with the names of keys that it and the key ring know."""

    def __init__(self, report: JSON, names: KeyNames) -> None:
        self._names = names
        self._at = moment(report.get("at"))
        self._seen = {key["fingerprint"]: key["name"] for key in report.get("keys_seen", ())}

    def blocks(self, layers: Sequence[JSON]) -> Iterator[Block]:
        for layer in layers:
            if layer["kind"] == "encryption":
                yield Block(title=f"Encryption, {_technology(layer)}", rows=tuple(self._encryption(layer)))
                continue
            for facts in layer["signers"]:
                yield Block(title=f"Signature, {_technology(layer)}", rows=tuple(self._signature(facts)))
            if not layer["signers"]:
                yield Block(title=f"Signature, {_technology(layer)}", rows=(Row(name="Signer", value="none at all"),))

    def _encryption(self, facts: JSON) -> Iterator[Row]:
        face = ENCRYPTION.get(Encryption(facts["verdict"])) if facts["verdict"] in set(Encryption) else None
        opened_with = facts.get("opened_with")
        yield from _rows(
            ("Outcome", face.label if face else facts["verdict"]),
            ("Cipher", facts.get("algorithm")),
            ("Key protected by", facts.get("key_scheme")),
            ("Notices changes", _notices_changes(facts)),
            ("Old cipher", "yes" if facts.get("weak") else None),
            ("More exactly", facts.get("why")),
            ("Opened with", fingerprinted(opened_with, self._names) if opened_with else None),
        )
        for recipient in facts.get("recipients", ()):
            yield Row(name="Encrypted for", value=identified(recipient, self._names))

    def _signature(self, facts: JSON) -> Iterator[Row]:
        signer = facts.get("signer") or {}
        yield from _rows(
            ("Content", words(INTEGRITY, Integrity, facts["integrity"])),
            ("Signer’s addresses", ", ".join(signer.get("addresses", ())) or None),
            ("Name in the key", signer.get("name")),
            ("Sender", words(BINDING, Binding, facts["binding"])),
            ("Trust", words(TRUST, TrustLevel, str(facts["trust"]).upper())),
            ("Findings", ", ".join(words(FINDINGS, Finding, code) for code in facts.get("findings", ())) or None),
            ("Issuer", facts.get("issuer_name")),
            *_validity(facts),
            ("Revocation", self._revocation(facts)),
            ("Signed at (claimed)", moment(facts.get("signed_at"))),
            ("Signature by", facts.get("algorithm")),
            ("Hash", facts.get("hash_algorithm")),
            ("Meant for", ", ".join(facts.get("intended_recipients", ()))),
            ("More exactly", facts.get("why")),
        )
        yield from _codes(
            ("Fingerprint", signer.get("fingerprint")), ("Signed by subkey", facts.get("signing_fingerprint"))
        )
        yield from self._path(facts)
        if not signer:
            for identifier in facts.get("key_ids", ()):
                yield Row(name="Names the key", value=identified(identifier, self._names))

    def _revocation(self, facts: JSON) -> str | None:
        """Asked of certificates; a PGP key carries its own revocation, which is said only where there is one."""
        if facts["technology"] == Technology.OPENPGP and not facts.get("revoked_at"):
            return None
        return revocation_words(
            facts.get("revocation"),
            known_at=self._at,
            known_until=moment(facts.get("revocation_known_until")),
            revoked_on=moment(facts.get("revoked_at")),
            reason=facts.get("revocation_reason"),
        )

    def _path(self, facts: JSON) -> Iterator[Row]:
        chain = facts.get("chain", ())
        for number, fingerprint in enumerate(chain[1:], start=1):
            name = fingerprinted(fingerprint, self._names, self._seen.get(fingerprint, ""))
            yield Row(name="Trusted issuer" if number == len(chain) - 1 else f"Path, step {number}", value=name)


def _copy_rows(copy: JSON, names: KeyNames) -> Iterator[Row]:
    signer, keys = copy.get("signer"), copy.get("encrypt_to", ())
    yield from _rows(
        ("For", ", ".join(copy["recipients"])),
        ("Cipher", copy.get("cipher")),
        ("Signed with", fingerprinted(signer, names) if signer else None),
    )
    for fingerprint in keys:
        yield Row(name="Encrypted to", value=fingerprinted(fingerprint, names))
    if not keys:
        yield Row(name="Encrypted", value="no")


def _notices_changes(facts: JSON) -> str | None:
    """Known of a layer that was opened; of any other nothing is claimed."""
    if facts["verdict"] != Encryption.DECRYPTED:
        return None
    return "no" if facts.get("malleable") else "yes"


def _key_block(key: JSON) -> Block:
    kind = "CA certificate" if key.get("ca") else "Key" if key["technology"] == Technology.OPENPGP else "Certificate"
    rows = [
        *_rows(("Addresses", ", ".join(key["addresses"])), ("Algorithm", key["algorithm"]), *_validity(key)),
        *_codes(("Fingerprint", key["fingerprint"])),
    ]
    rows += [row for claim in key.get("claims", ()) for row in _claim_rows(claim, key)]
    return Block(title=f"{kind} that came along (nobody has confirmed it by this)", rows=tuple(rows))


def _claim_rows(claim: JSON, key: JSON) -> Iterator[Row]:
    """Where it stood in the mail, and whose it is said to be."""
    address = claim.get("address")
    yield Row(name="Came with this mail", value=words(KEY_SOURCES, KeySource, claim["source"]))
    if address:
        doubt = "" if address in key["addresses"] else " (the key itself does not name this address)"
        yield Row(name="Said to belong to", value=f"{address}{doubt}")


def _nested(block: Block, path: str) -> Block:
    return Block(title=f"Part {path}: {block.title}", rows=block.rows, is_nested=True)


def _validity(facts: JSON) -> tuple[tuple[str, str | None], ...]:
    since, until = facts.get("valid_from"), facts.get("valid_until")
    return ("Valid from", moment(since)), ("Valid until", (moment(until) or "no end") if since else None)


def _technology(facts: JSON) -> str:
    return words(TECHNOLOGIES, Technology, facts["technology"])


def _rows(*pairs: tuple[str, str | None]) -> Iterator[Row]:
    return (Row(name=name, value=value) for name, value in pairs if value)


def _codes(*pairs: tuple[str, str | None]) -> Iterator[Row]:
    return (Row(name=name, value=grouped(value), is_code=True) for name, value in pairs if value)
