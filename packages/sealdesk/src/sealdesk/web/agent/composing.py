"""A mail being written: what was typed, how it would be sealed, and what stands in the way of sending it.

Composer and sender use the same plan (`mail.outbox.planning.preview`), so that nothing leaves otherwise than shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.conf import settings

from sealdesk.core.errors import DeskError, Invalid
from sealdesk.keyring.queries import default_for
from sealdesk.mail.outbox.planning import Recipients, preview, recipients_of
from sealdesk.people.models import Group, SenderAddress
from sealdesk.tickets.content import NewAttachment
from sealdesk.web.access import AgentRequest
from sealdesk.web.agent.quoting import Quote, below
from sealdesk.web.presenters.sealing import SealingPanel, sealing_panel
from sealmail.keys import Technology
from sealmail.sealing import Plan

Choice = bool | None
"""What the agent chose himself; None: the group's default holds."""
FIELDS = ("to", "cc", "bcc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What stands in the composer."""

    group: UUID | None = None
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    encrypt: Choice = None
    sign: Choice = None
    encrypt_shown: bool = False
    sign_shown: bool = False
    technology: Technology | None = None
    seen: str = ""
    """The recipients for which the agent was shown how the mail will be sealed."""
    plain_is_meant: bool = False
    """A readable answer to an encrypted mail was confirmed."""
    quote: str = field(default="", repr=False)
    quote_is_wanted: bool = False

    @property
    def whole_text(self) -> str:
        """What is sent: the words, and the quote below them where it is wanted."""
        return below(self.text, self.quote) if self.quote_is_wanted and self.quote.strip() else self.text

    @property
    def wants(self) -> tuple[bool, bool]:
        """Encrypt and sign, as the page shows it."""
        encrypt = self.encrypt_shown if self.encrypt is None else self.encrypt
        return encrypt, (self.sign_shown if self.sign is None else self.sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """The composer as its template needs it."""

    letter: Letter
    panel: SealingPanel | None
    seen: str
    errors: Mapping[str, Sequence[str]]
    must_confirm_plain: bool = False
    quote: Quote | None = None
    """What may be quoted; what the agent made of it is in the letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How a mail would be sealed now."""

    recipients: Recipients
    plan: Plan
    panel: SealingPanel


def letter_from(request: AgentRequest) -> Letter:
    """What was typed and chosen."""
    post = request.POST
    technologies = {one.value: one for one in Technology}
    return Letter(
        group=_uuid(post.get("group", "")),
        to=post.get("to", ""),
        cc=post.get("cc", ""),
        bcc=post.get("bcc", ""),
        subject=post.get("subject", ""),
        text=post.get("text", ""),
        encrypt=_choice(post.get("encrypt_choice")),
        sign=_choice(post.get("sign_choice")),
        encrypt_shown="encrypt" in post,
        sign_shown="sign" in post,
        technology=technologies.get(post.get("technology", "")),
        seen=post.get("seen", ""),
        plain_is_meant="plain_is_meant" in post,
        quote=post.get("quote", "").replace("\r\n", "\n"),
        quote_is_wanted="with_quote" in post,
    )


def released(letter: Letter, what: str) -> Letter:
    """The letter after the agent gave up a choice that cannot be had."""
    if what == "encrypt":
        return replace(letter, encrypt=False)
    return replace(letter, sign=False) if what == "sign" else letter


def files_from(request: AgentRequest) -> list[NewAttachment]:
    """The uploaded files. Raises Invalid where they are too large to be kept in memory.

    Django drops such files without a word, and the mail would leave without them.
    """
    limit = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise Invalid({"sealing": [f"All files together may have {limit // 2**20} MB. Nothing was sent; attach less."]})
    files = request.FILES.getlist("files")
    return [
        NewAttachment(
            name=file.name or "file", content_type=file.content_type or "application/octet-stream", data=file.read()
        )
        for file in files
    ]


def composer_for(
    letter: Letter,
    group: Group | None,
    *,
    sender: SenderAddress | None = None,
    answers_encrypted: bool = False,
    quote: Quote | None = None,
    errors: Mapping[str, Sequence[str]] | None = None,
) -> Composer:
    """The composer for what was typed. Addresses that are half typed are left out of the panel without an error."""
    sealing, found = None, dict(errors or {})
    if group is not None:
        try:
            sealing = sealing_for(letter, group, sender=sender)
        except DeskError as error:
            found.setdefault("sealing", [str(error)])
    return Composer(
        letter=letter,
        panel=sealing.panel if sealing else None,
        seen=_fingerprint(letter) if sealing else "",
        errors=found,
        quote=quote,
        must_confirm_plain=(
            answers_encrypted and sealing is not None and not sealing.panel.encrypt.is_on and letter.encrypt is not True
        ),
    )


def sealing_for(letter: Letter, group: Group, *, sender: SenderAddress | None = None, strict: bool = False) -> Sealing:
    """The plan and what it means for the buttons. `strict`: addresses that are none raise Invalid."""
    recipients = _recipients(letter, strict=strict)
    wants_encrypt, wants_sign = letter.encrypt, letter.sign
    probe = _plan(letter, group, recipients, sender, encrypt=True)
    if wants_encrypt is None:
        wants_encrypt = _preset(group, probe, "encrypt")
    encrypts = wants_encrypt and probe.can_encrypt
    plan = probe if encrypts else _plan(letter, group, recipients, sender, encrypt=False)
    if wants_sign is None:
        wants_sign = _preset(group, plan, "sign")
    own = letter.encrypt is True or letter.sign is True
    panel = sealing_panel(plan, wants_sign=wants_sign, wants_encrypt=wants_encrypt, is_own_choice=own)
    return Sealing(recipients=recipients, plan=plan, panel=panel)


def obstacles(
    letter: Letter, group: Group, *, sender: SenderAddress | None, answers_encrypted: bool
) -> dict[str, list[str]]:
    """Why the letter cannot leave as it is shown; empty: it can. Raises Invalid for addresses that are none."""
    sealing = sealing_for(letter, group, sender=sender, strict=True)
    encrypt, sign = letter.wants
    found: list[str] = []
    if (letter.encrypt is None or letter.sign is None) and letter.seen != _fingerprint(letter):
        return {"sealing": ["The recipients have changed. See below how the mail will be sealed, then send."]}
    if encrypt and not sealing.panel.encrypt.is_possible:
        found += ["It cannot be encrypted, so it was not sent.", *sealing.panel.encrypt.reasons]
    if sign and not sealing.panel.sign.is_possible:
        found += ["It cannot be signed, so it was not sent.", *sealing.panel.sign.reasons]
    if answers_encrypted and not encrypt and not letter.plain_is_meant:
        found.append("You answer an encrypted mail with a readable one. Confirm it, or encrypt.")
    if not found:
        plan = _final(letter, group, sealing.recipients, sender)
        found += [reason.sentence for reason in plan.refusals]
    return {"sealing": found} if found else {}


def addresses_in(text: str) -> list[str]:
    """Addresses as people type them: separated by commas, semicolons, spaces or lines."""
    return [word for word in re.split(r"[,;\s]+", text) if word]


def _final(letter: Letter, group: Group, recipients: Recipients, sender: SenderAddress | None) -> Plan:
    encrypt, sign = letter.wants
    return preview(
        group=group, recipients=recipients, sign=sign, encrypt=encrypt, technology=letter.technology, sender=sender
    )


def _plan(letter: Letter, group: Group, recipients: Recipients, sender: SenderAddress | None, *, encrypt: bool) -> Plan:
    return preview(
        group=group, recipients=recipients, sign=True, encrypt=encrypt, technology=letter.technology, sender=sender
    )


def _preset(group: Group, plan: Plan, what: str) -> bool:
    """The group's default, for the technologies that this mail would use; "if possible"."""
    used = {copy.technology for copy in plan.copies if copy.technology}
    wanted = [getattr(default_for(group, technology), what) for technology in used or set(Technology)]
    possible = plan.can_encrypt if what == "encrypt" else plan.can_sign
    return possible and all(wanted)


def _recipients(letter: Letter, *, strict: bool) -> Recipients:
    typed = {name: addresses_in(getattr(letter, name)) for name in FIELDS}
    if strict:
        return recipients_of(**typed)
    whole = {name: [text for text in texts if _is_address(text)] for name, texts in typed.items()}
    try:
        return recipients_of(**whole)
    except Invalid:
        return Recipients(to=())


def _is_address(text: str) -> bool:
    from sealmail.addresses import canonical

    return canonical(text) is not None


def _fingerprint(letter: Letter) -> str:
    typed = [" ".join(addresses_in(getattr(letter, name))).lower() for name in FIELDS]
    return "|".join((str(letter.group or ""), *typed))


def _choice(text: str | None) -> Choice:
    return {"on": True, "off": False}.get(text or "")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
