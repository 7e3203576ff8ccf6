"""`sealmail seal DRAFT --out FOLDER`: seals a mail, one file per copy, and writes the plan."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sealmail import mime
from sealmail.addresses import canonical, one_from, parse_list
from sealmail.cli.material import add_key_options, material_of, read_input, time_of
from sealmail.errors import Refused, UsageError
from sealmail.keys import Technology
from sealmail.policy import Policy
from sealmail.reporting import passed_over_to_json
from sealmail.sealing import Letter, Plan, SealedCopy, SealRequest, letter_from_message, plan, seal


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
    add_key_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Writes `N.eml` for each copy and `plan.json`; raises Refused, with `plan.json` written, where it cannot."""
    raw = read_input(options.draft)
    material, at = material_of(options), time_of(options)
    if options.hide_subject and not options.encrypt:
        raise UsageError("--hide-subject needs --encrypt")
    request = _request(options, raw)
    made = plan(request, material.keys, material.trust, Policy(), at)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        copies = seal(made, _with_options(letter_from_message(raw), options), material.keys, at)
    except Refused:
        _write_plan(folder, made, ())
        raise
    for number, copy in enumerate(copies, start=1):
        (folder / f"{number}.eml").write_bytes(copy.raw)
    _write_plan(folder, made, copies)


def _request(options: argparse.Namespace, raw: bytes) -> SealRequest:
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
    )


def _sender(given: str | None, headers: mime.Headers) -> str:
    mailbox = one_from([given] if given else headers.all("From"))
    if mailbox is None:
        raise UsageError("the sender is missing, or is not one address: use --from")
    return mailbox.address


def _recipients(field: str, given: list[str] | None, headers: mime.Headers) -> tuple[str, ...]:
    values = given if given is not None else headers.all(field)
    lists = [parse_list(value) for value in values]
    if any(parsed.defects for parsed in lists):
        raise UsageError(f"the {field.title()} addresses cannot be read")
    addresses = [canonical(mailbox.address) for parsed in lists for mailbox in parsed.mailboxes]
    return tuple(dict.fromkeys(address for address in addresses if address))


def _with_options(letter: Letter, options: argparse.Namespace) -> Letter:
    """The letter with the headers that the options replace."""
    replaced = {"From": [options.sender] if options.sender else None, "To": options.to, "Cc": options.cc}
    given = {name: values for name, values in replaced.items() if values is not None}
    kept = list(letter.headers.without(*given))
    fresh = [mime.Field(name, b" " + ", ".join(values).encode("ascii", "strict")) for name, values in given.items()]
    return Letter(headers=mime.Headers([*fresh, *kept]), entity=letter.entity)


def _write_plan(folder: Path, made: Plan, copies: tuple[SealedCopy, ...]) -> None:
    document = {
        "schema": 1,
        "copies": [
            {
                "file": f"{number}.eml",
                "recipients": list(copy.planned.recipients),
                "technology": copy.planned.technology.value if copy.planned.technology else None,
                "signed": copy.planned.sign,
                "encrypted": copy.planned.encrypt,
                "signer": copy.planned.signer.fingerprint if copy.planned.signer else None,
                "encrypted_to": [key.fingerprint for key in copy.planned.encrypt_to],
                "bcc": copy.planned.is_bcc,
            }
            for number, copy in enumerate(copies, start=1)
        ],
        "recipients": [
            {
                "address": recipient.address,
                "field": recipient.field.value,
                "technology": recipient.technology.value if recipient.technology else None,
                "key": recipient.key.fingerprint if recipient.key else None,
                "reasons": [{"code": reason.code, "sentence": reason.sentence} for reason in recipient.reasons],
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
