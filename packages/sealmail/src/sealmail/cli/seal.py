"""`sealmail seal DRAFT --out FOLDER`: seals a mail, one file per copy, and writes the plan."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sealmail import mime
from sealmail.addresses import Mailbox, canonical, one_from, parse_list
from sealmail.cli.material import add_key_options, material_of, read_input, time_of
from sealmail.cli.smime_options import add_smime_options, capabilities_of, smime_form_of
from sealmail.errors import Reason, Refused, UsageError
from sealmail.keys import Capabilities, Technology
from sealmail.mime.fields import address_field
from sealmail.policy import Policy
from sealmail.reporting import passed_over_to_json
from sealmail.sealing import (
    AutocryptPreference,
    Letter,
    Plan,
    PlannedCopy,
    PlannedSignature,
    SealedCopy,
    SealRequest,
    letter_from_message,
    plan,
    seal,
)

_COPY = re.compile(r"[0-9]+\.eml")


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser: argparse.ArgumentParser = commands.add_parser("seal", help="sign and encrypt a mail")
    parser.add_argument("draft", metavar="DRAFT", help="a file with an RFC 5322 message; - for standard input")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where the copies and plan.json are written")
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="replaces the From header")
    for field in ("to", "cc", "bcc"):
        parser.add_argument(
            f"--{field}", metavar="ADDRESS", nargs="+", action="extend", help=f"replaces the {field.title()} header"
        )
    parser.add_argument("--sign", action="store_true", help="every copy is signed, or none is written")
    parser.add_argument("--encrypt", action="store_true", help="every copy is encrypted, or none is written")
    parser.add_argument("--technology", choices=["smime", "openpgp", "auto"], default="auto")
    parser.add_argument("--hide-subject", action="store_true", help="the subject travels inside the encryption only")
    parser.add_argument("--protect-headers", action="store_true", help="the header fields are sealed with the content")
    parser.add_argument("--attach-key", action="store_true", help="the sender's public PGP key is attached")
    parser.add_argument(
        "--autocrypt",
        choices=[one.value for one in AutocryptPreference],
        nargs="?",
        const=AutocryptPreference.NO_PREFERENCE.value,
        help="the sender's public PGP key stands in a header, with what he prefers",
    )
    add_smime_options(parser)
    add_key_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Writes `N.eml` for each copy and `plan.json`; raises Refused, with `plan.json` written, where it cannot."""
    raw = read_input(options.draft)
    material, at = material_of(options), time_of(options)
    if options.hide_subject and not options.encrypt:
        raise UsageError("--hide-subject needs --encrypt")
    request = _request(options, raw, capabilities_of(options, material, at))
    made = plan(request, material.keys, material.trust, Policy(), at)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_copies(folder)
    try:
        copies = seal(made, _with_options(letter_from_message(raw), options), material.keys, at)
    except Refused:
        _write_plan(folder, made, ())
        raise
    for number, copy in enumerate(copies, start=1):
        (folder / f"{number}.eml").write_bytes(copy.raw)
    _write_plan(folder, made, copies)


def _request(options: argparse.Namespace, raw: bytes, capabilities: Mapping[str, Capabilities]) -> SealRequest:
    headers = mime.parse(raw).headers
    recipients = {field: _recipients(field, getattr(options, field), headers) for field in ("to", "cc", "bcc")}
    return SealRequest(
        sender=_sender(options.sender, headers),
        to=recipients["to"],
        cc=recipients["cc"],
        bcc=recipients["bcc"],
        sign=options.sign,
        encrypt=options.encrypt,
        technology=None if options.technology == "auto" else Technology(options.technology),
        hide_subject=options.hide_subject,
        protect_headers=options.protect_headers,
        capabilities=capabilities,
        smime=smime_form_of(options),
        attach_key=options.attach_key,
        autocrypt=AutocryptPreference(options.autocrypt) if options.autocrypt else None,
    )


def _sender(given: str | None, headers: mime.Headers) -> str:
    mailbox = one_from([given] if given else headers.all("From"))
    if mailbox is None:
        raise UsageError("the sender is missing, or is not one address: use --from")
    return mailbox.address


def _recipients(field: str, given: list[str] | None, headers: mime.Headers) -> tuple[str, ...]:
    values = given if given is not None else headers.all(field)
    addresses = [canonical(mailbox.address) for mailbox in _mailboxes(field.title(), values)]
    return tuple(dict.fromkeys(address for address in addresses if address))


def _with_options(letter: Letter, options: argparse.Namespace) -> Letter:
    """The letter with the headers that the options replace."""
    replaced = {"From": [options.sender] if options.sender else None, "To": options.to, "Cc": options.cc}
    given = {name: values for name, values in replaced.items() if values is not None}
    kept = list(letter.headers.without(*given))
    fresh = b"".join(address_field(name, _mailboxes(name, values)) for name, values in given.items() if values)
    return Letter(headers=mime.Headers([*mime.parse(fresh + b"\r\n").headers, *kept]), entity=letter.entity)


def _mailboxes(field: str, values: Iterable[str]) -> list[Mailbox]:
    lists = [parse_list(value) for value in values]
    if any(parsed.defects for parsed in lists):
        raise UsageError(f"the {field} addresses cannot be read")
    return [mailbox for parsed in lists for mailbox in parsed.mailboxes]


def _remove_copies(folder: Path) -> None:
    """Removes the copies that the plan of an earlier run lists: beside a new plan they would look like its own."""
    try:
        copies = json.loads((folder / "plan.json").read_bytes())["copies"]
        names = [str(copy["file"]) for copy in copies if isinstance(copy, dict) and "file" in copy]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return  # no plan of ours: nothing is known to be a copy
    for name in filter(_COPY.fullmatch, names):
        (folder / name).unlink(missing_ok=True)


def _write_plan(folder: Path, made: Plan, copies: tuple[SealedCopy, ...]) -> None:
    document = {
        "schema": 1,
        "copies": [_copy(f"{number}.eml", copy.planned) for number, copy in enumerate(copies, start=1)],
        "recipients": [
            {
                "address": recipient.address,
                "field": recipient.field.value,
                "technology": recipient.technology.value if recipient.technology else None,
                "key": recipient.key.fingerprint if recipient.key else None,
                "reasons": [_reason(reason) for reason in recipient.reasons],
                "passed_over": [
                    passed_over_to_json(passed) for choice in recipient.choices for passed in choice.passed_over
                ],
            }
            for recipient in made.recipients
        ],
        "refused": [
            {"code": reason.code, "sentence": reason.sentence, "address": reason.address} for reason in made.refusals
        ],
    }
    (folder / "plan.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _copy(file: str, copy: PlannedCopy) -> dict[str, Any]:
    return {
        "file": file,
        "recipients": list(copy.recipients),
        "technology": copy.technology.value if copy.technology else None,
        "signed": copy.sign,
        "encrypted": copy.encrypt,
        "signer": copy.signer.fingerprint if copy.signer else None,
        "signature": _signature(copy.signature) if copy.signature else None,
        "encrypted_to": [key.fingerprint for key in copy.encrypt_to],
        "cipher": copy.cipher.value if copy.cipher else None,
        "cipher_reasons": [_reason(reason) | {"address": reason.address} for reason in copy.cipher_reasons],
        "key_transports": dict(copy.key_schemes),
        "bcc": copy.is_bcc,
        "attached_keys": [key.fingerprint for key in copy.attached_keys],
        "autocrypt": copy.autocrypt.fingerprint if copy.autocrypt else None,
        "gossip": {address: key.fingerprint for address, key in copy.gossip.items()},
    }


def _signature(signature: PlannedSignature) -> dict[str, Any]:
    return {"algorithm": signature.algorithm, "micalg": signature.micalg, "opaque": signature.opaque}


def _reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "sentence": reason.sentence}
