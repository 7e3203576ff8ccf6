"""Hands a mail to an SMTP server and says, for each recipient, what became of it. Decides nothing about another try."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sealdesk.mail.models import Channel, Security
from sealdesk.mail.outbox.states import Outcome, Result

TIMEOUT_SECONDS = 60

_Reply = tuple[int, bytes]


def deliver(channel: Channel, *, sender: str, recipients: Sequence[str], raw: bytes) -> Mapping[str, Outcome]:
    """One conversation with the server. Never raises: what goes wrong is an outcome."""
    try:
        server = _connect(channel)
    except (OSError, smtplib.SMTPException) as error:
        return dict.fromkeys(recipients, _before_data(error))
    try:
        return _send(server, sender, recipients, raw)
    finally:
        _quit(server)


def check(channel: Channel) -> None:
    """Connects and signs in, and leaves again; raises OSError or smtplib.SMTPException."""
    _quit(_connect(channel))


def _connect(channel: Channel) -> smtplib.SMTP:
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if channel.security == Security.TLS:
        server = smtplib.SMTP_SSL(channel.host, channel.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(channel.host, channel.port, timeout=TIMEOUT_SECONDS)
    try:
        if channel.security == Security.STARTTLS:
            server.starttls(context=context)
        if channel.username:
            server.login(channel.username, channel.password or "")
        server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _send(server: smtplib.SMTP, sender: str, recipients: Sequence[str], raw: bytes) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    try:
        options = _mail_options(server, (sender, *recipients), raw)
        reply = server.mail(sender, options)
        if reply[0] != 250:
            return dict.fromkeys(recipients, _refusal(reply))
        for recipient in recipients:
            reply = server.rcpt(recipient)
            if reply[0] not in {250, 251, 252}:  # RFC 5321 §4.2.3: 251 and 252 take the mail too
                outcomes[recipient] = _refusal(reply)
    except (OSError, smtplib.SMTPException) as error:
        return dict.fromkeys(recipients, _before_data(error))
    accepted = [recipient for recipient in recipients if recipient not in outcomes]
    if accepted:
        outcomes |= dict.fromkeys(accepted, _data(server, raw))
    return outcomes


def _data(server: smtplib.SMTP, raw: bytes) -> Outcome:
    try:
        reply = server.data(raw)
    except smtplib.SMTPDataError as error:  # the server did not want the mail to begin with
        return _refusal((error.smtp_code, _bytes(error.smtp_error)))
    except (OSError, smtplib.SMTPException):
        return Outcome(
            result=Result.UNKNOWN,
            code="lost",
            sentence="The connection ended while the server had the mail. It may have been delivered.",
        )
    return Outcome(result=Result.SENT, code="250") if reply[0] == 250 else _refusal(reply)


def _mail_options(server: smtplib.SMTP, addresses: Sequence[str], raw: bytes) -> list[str]:
    options = [f"size={len(raw)}"] if server.has_extn("size") else []
    if not all(address.isascii() for address in addresses):
        if not server.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("SMTPUTF8")
        server.command_encoding = "utf-8"
        options.append("SMTPUTF8")
    return options


def _refusal(reply: _Reply) -> Outcome:
    """RFC 5321 §4.2.1: 4yz may work later, 5yz will not."""
    code, text = reply
    result = Result.PERMANENT if 500 <= code <= 599 else Result.TEMPORARY
    return Outcome(result=result, code=str(code), sentence=text.decode("utf-8", "replace")[:500])


def _before_data(error: Exception) -> Outcome:
    """Nothing of the mail has left, so it may be tried again, except where the server cannot ever take it."""
    match error:
        case smtplib.SMTPNotSupportedError():
            sentence = "The server does not offer what this mail or the sign-in needs."
            return Outcome(result=Result.PERMANENT, code="not_supported", sentence=sentence)
        case smtplib.SMTPAuthenticationError():
            return Outcome(result=Result.TEMPORARY, code="sign_in", sentence="The server refused our sign-in.")
        case smtplib.SMTPResponseException():
            text = _bytes(error.smtp_error).decode("utf-8", "replace")
            return Outcome(result=Result.TEMPORARY, code=str(error.smtp_code), sentence=text[:500])
        case ssl.SSLError():
            return Outcome(result=Result.TEMPORARY, code="tls", sentence="No safe connection to the server.")
        case _:
            return Outcome(result=Result.TEMPORARY, code="no_connection", sentence="The server was not reached.")


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _quit(server: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()
