"""The options of `sealmail seal` about the form of S/MIME, and the mails that tell what recipients read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import datetime

from sealmail.addresses import canonical
from sealmail.bounded import BoundedOpener
from sealmail.cli.material import Material, read_input
from sealmail.errors import UsageError
from sealmail.keys import Capabilities
from sealmail.policy import Policy
from sealmail.report import Signature
from sealmail.sealing import ContentCipher, KeyTransport, RsaSignature, SmimeForm

_CIPHERS = {"auto": None, "cbc": ContentCipher.CBC, "gcm": ContentCipher.GCM}
_TRANSPORTS = {"auto": None, "pkcs1": KeyTransport.PKCS1, "oaep": KeyTransport.OAEP}
_SIGNATURES = {"pkcs1": RsaSignature.PKCS1, "pss": RsaSignature.PSS}


def add_smime_options(parser: argparse.ArgumentParser) -> None:
    """The options --opaque, --cipher, --key-transport, --rsa-signature and --capabilities-from."""
    parser.add_argument("--opaque", action="store_true", help="S/MIME signatures carry the content (no multipart)")
    parser.add_argument("--cipher", choices=_CIPHERS, default="auto", help="AES-256 in CBC or GCM, for S/MIME")
    parser.add_argument("--key-transport", choices=_TRANSPORTS, default="auto", help="how RSA keys are encrypted to")
    parser.add_argument("--rsa-signature", choices=_SIGNATURES, default="pkcs1", help="how an RSA certificate signs")
    parser.add_argument(
        "--capabilities-from",
        metavar="MAIL",
        nargs="+",
        action="extend",
        default=[],
        help="mails of recipients; what their good signatures say is read there is used",
    )


def smime_form_of(options: argparse.Namespace) -> SmimeForm:
    """The form that was asked for. UsageError where it is about something that was not asked for."""
    _check("--sign", options.sign, {"--opaque": options.opaque, "--rsa-signature": options.rsa_signature != "pkcs1"})
    asked = {"--cipher": options.cipher != "auto", "--key-transport": options.key_transport != "auto"}
    _check("--encrypt", options.encrypt, asked)
    return SmimeForm(
        opaque=options.opaque,
        cipher=_CIPHERS[options.cipher],
        key_transport=_TRANSPORTS[options.key_transport],
        rsa_signature=_SIGNATURES[options.rsa_signature],
    )


def _check(needed: str, is_given: bool, asked: Mapping[str, bool]) -> None:
    for option in (name for name, is_asked in asked.items() if is_asked and not is_given):
        raise UsageError(f"{option} needs {needed}")


def capabilities_of(options: argparse.Namespace, material: Material, at: datetime) -> dict[str, Capabilities]:
    """By sender, what the mails of --capabilities-from say that is read there; of several the last one counts.

    Only a good signature speaks for its sender (RFC 8551 §2.7.1); other mails are left out with a warning.
    """
    if not options.capabilities_from:
        return {}
    found: dict[str, Capabilities] = {}
    with BoundedOpener() as opener:
        for name in options.capabilities_from:
            opened = opener.open_message(read_input(name), material.keys, material.trust, Policy(), at)
            statement, sender = opened.report.signature, opened.headers.from_
            address = canonical(sender.address) if sender is not None else None
            said = statement.facts.capabilities if statement.facts is not None else None
            if statement.verdict is Signature.GOOD and said is not None and address:
                found[address] = said
            else:
                print(f"sealmail: warning: {name} tells nothing by a good S/MIME signature", file=sys.stderr)
    return found
