"""What is known about the revocation of a certificate, in words."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.keyring.revocations import RevocationKind, RevocationNews
from sealdesk.web.presenters.times import exact
from sealmail.report import RevocationState

REVOCATION: Mapping[RevocationState, str] = {
    RevocationState.GOOD: "Not revoked, as of {known_at}{until}",
    RevocationState.REVOKED: "Revoked on {revoked_on} ({reason})",
    RevocationState.STALE: "Out of date since {known_until}: no newer revocation data",
    RevocationState.UNKNOWN: "Not known: no revocation data",
    RevocationState.NOT_CHECKED: "Not checked: nobody is known who could revoke it",
}

REVOCATION_REASONS: Mapping[str, str] = {
    # RFC 5280 §5.3.1
    "unspecified": "no reason given",
    "keyCompromise": "key compromise",
    "cACompromise": "key of the issuer compromised",
    "affiliationChanged": "no longer with that organisation",
    "superseded": "replaced by another",
    "cessationOfOperation": "no longer in use",
    "certificateHold": "put on hold",
    "privilegeWithdrawn": "privilege withdrawn",
    "aACompromise": "key of the attribute authority compromised",
    "removeFromCRL": "taken off the list",
    # RFC 9580 §5.2.3.31
    "none_given": "no reason given",
    "compromised": "key compromise",
    "retired": "no longer in use",
    "user_id_invalid": "name or address no longer valid",
    "unknown": "a reason that Sealdesk does not know",
}
"""The reasons of certificates and of PGP keys."""


def reason_words(code: str | None) -> str:
    """The reason for a revocation; a code of another version stays as it is."""
    return REVOCATION_REASONS.get(code or "unspecified", code or "")


def revocation_words(
    state: str | None, *, known_at: str, known_until: str = "", revoked_on: str = "", reason: str | None = None
) -> str:
    """One line for a state; times as they shall be shown. Empty where the report is older than this question."""
    if revoked_on:
        state = RevocationState.REVOKED.value
    if state not in set(RevocationState):
        return ""
    return REVOCATION[RevocationState(state)].format(
        known_at=known_at,
        until=f"; the data holds until {known_until}" if known_until else "",
        known_until=known_until or "an unknown date",
        revoked_on=revoked_on or "an unknown date",
        reason=reason_words(reason),
    )


REVOCATION_KINDS: Mapping[RevocationKind, str] = {
    RevocationKind.LIST: "Revocation list of {issuer}, as of {as_of}{until}, {entries}",
    RevocationKind.ANSWER: "OCSP answer for {issuer}, as of {as_of}{until}, about {certificates}",
    RevocationKind.UNREADABLE: "Revocation data of {issuer} that cannot be read; it counts for nothing",
}


def revocation_news(news: RevocationNews) -> str:
    """What was added, or why it adds nothing."""
    said = revocation_line(news)
    if news.is_refused:
        return f"Left out: {said}. {news.refusal}"
    if news.is_known:
        return f"Already here: {said}"
    return f"Added: {said}" if news.issuer_is_here else f"Added: {said}. {_NO_ISSUER}"


def revocation_line(news: RevocationNews) -> str:
    """A piece of revocation data in one line."""
    return REVOCATION_KINDS[news.kind].format(
        issuer=news.issuer_name or "a CA that is not here",
        as_of=exact(news.as_of) if news.as_of else "an unknown date",
        until=f", good until {exact(news.until)}" if news.until else "",
        entries="1 entry" if news.entries == 1 else f"{news.entries} entries",
        certificates="1 certificate" if news.entries == 1 else f"{news.entries} certificates",
    )


_NO_ISSUER = "Its signature can be checked only when the CA’s certificate is here: add it too."
