"""What the composer says about sealing: the two buttons, who gets what, and why not. From the plan that also sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.evidence import Row
from sealdesk.web.presenters.key_names import grouped
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import TRUST
from sealdesk.web.presenters.wording import Face, Tone
from sealmail.keys import Key, Technology
from sealmail.sealing import ContentCipher, MessageCipher, Plan, RecipientPlan

CIPHERS: Mapping[ContentCipher, str] = {
    ContentCipher.GCM: "AES-256-GCM, which notices every change; all who share this copy are known to read it",
    ContentCipher.CBC: "AES-256-CBC, which every mail program reads",
}
MESSAGE_CIPHERS: Mapping[MessageCipher, str] = {
    MessageCipher.AES256_OCB: "AES-256-OCB, the newest form; the keys of all who share this copy say that it is read",
    MessageCipher.AES128_OCB: "AES-128-OCB; a key of somebody who shares this copy does not list AES-256",
    MessageCipher.AES256_MDC: "AES-256 with MDC, which every PGP program reads and which notices every change",
    MessageCipher.AES128_MDC: "AES-128 with MDC; a key of somebody who shares this copy does not list AES-256",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toggle:
    """The button Encrypt or Sign: whether it can be chosen, whether it is, and what stands on its hover card."""

    is_on: bool
    is_possible: bool
    sentence: str
    reasons: tuple[str, ...]
    cards: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingPanel:
    """Everything beside the text that the composer shows about sealing."""

    encrypt: Toggle
    sign: Toggle
    technologies: tuple[tuple[str, str], ...]
    """Codes and words, only where there is a choice."""
    chosen_technology: str
    summary: str
    recipients: tuple[tuple[str, Face], ...]
    lost: tuple[str, ...]
    """What the agent chose and is not possible any more."""


def sealing_panel(plan: Plan, *, wants_sign: bool, wants_encrypt: bool, is_own_choice: bool) -> SealingPanel:
    """The panel for a plan. What the agent chose himself and cannot be had is said, never silently dropped."""
    sign, encrypt = _sign_toggle(plan, wants_sign), _encrypt_toggle(plan, wants_encrypt)
    lost = tuple(_lost(plan, sign, encrypt, wants=(wants_sign, wants_encrypt))) if is_own_choice else ()
    summary = _summary(plan, encrypt=encrypt.is_on, sign=sign.is_on)
    return SealingPanel(
        encrypt=encrypt,
        sign=sign,
        technologies=_choices(plan),
        chosen_technology=plan.request.technology or "auto",
        summary="It cannot be sent as you chose." if lost else summary,
        recipients=tuple((recipient.address, _recipient_face(recipient)) for recipient in plan.recipients),
        lost=lost,
    )


def _encrypt_toggle(plan: Plan, wanted: bool) -> Toggle:
    reasons = tuple(reason.sentence for one in plan.recipients if not one.encryptable for reason in one.reasons)
    if not plan.recipients:
        reasons = ("There is no recipient yet.",)
    cards = tuple(tuple(_key_card(one, plan)) for one in plan.recipients if one.key is not None)
    able = sum(one.encryptable for one in plan.recipients)
    total = len(plan.recipients)
    if plan.can_encrypt:
        sentence = f"Will be encrypted for {'every recipient' if total > 1 else plan.recipients[0].address}."
    else:
        sentence = f"Can be encrypted for {able} of {total}." if total else ""
    return Toggle(
        is_on=wanted and plan.can_encrypt,
        is_possible=plan.can_encrypt,
        sentence=sentence if wanted or not plan.can_encrypt else "Will not be encrypted.",
        reasons=() if plan.can_encrypt else reasons,
        cards=cards,
    )


def _sign_toggle(plan: Plan, wanted: bool) -> Toggle:
    keys = _signers(plan)
    sentence = f"Will be signed as {plan.request.sender}." if wanted else "Will not be signed."
    return Toggle(
        is_on=wanted and plan.can_sign,
        is_possible=plan.can_sign,
        sentence=sentence if plan.can_sign else "Cannot be signed.",
        reasons=tuple(reason.sentence for reason in plan.sign_refusals),
        cards=tuple(tuple(_signer_card(key)) for key in keys),
    )


def _signers(plan: Plan) -> list[Key]:
    used = {copy.technology for copy in plan.copies if copy.technology}
    options = plan.sign_options.items()
    return [option.key for technology, option in options if option.key and (technology in used or not used)]


def _choices(plan: Plan) -> tuple[tuple[str, str], ...]:
    """A switch stands only where there is a choice: by two technologies for every recipient."""
    usable = {
        technology
        for technology in Technology
        if plan.recipients and all(_reaches(recipient, technology) for recipient in plan.recipients)
    }
    if len(usable) < 2 and plan.request.technology is None:
        return ()
    return (("auto", "As suits each"), *((one.value, TECHNOLOGIES[one]) for one in Technology))


def _reaches(recipient: RecipientPlan, technology: Technology) -> bool:
    return any(choice.technology is technology and choice.key is not None for choice in recipient.choices)


def _summary(plan: Plan, *, encrypt: bool, sign: bool) -> str:
    if not plan.recipients:
        return "Nobody would get this mail yet."
    signed = "signed" if sign else "not signed"
    if not encrypt:
        return f"{_count(len(plan.recipients), 'recipient')}: {signed}, not encrypted."
    by = Counter(recipient.technology for recipient in plan.recipients if recipient.technology)
    return f"Encrypted and {signed}: " + ", ".join(
        f"{count} by {TECHNOLOGIES[technology]}" for technology, count in by.items()
    )


def _lost(plan: Plan, sign: Toggle, encrypt: Toggle, *, wants: tuple[bool, bool]) -> Iterator[str]:
    wants_sign, wants_encrypt = wants
    if wants_encrypt and not encrypt.is_possible and plan.recipients:
        cannot = ", ".join(one.address for one in plan.recipients if not one.encryptable)
        yield f"You chose Encrypt; it is not possible for {cannot}."
    if wants_sign and not sign.is_possible:
        yield "You chose Sign; it is not possible now."


def _recipient_face(recipient: RecipientPlan) -> Face:
    if recipient.technology is None:
        sentence = " ".join(reason.sentence for reason in recipient.reasons)
        return Face(icon="lock-open", tone=Tone.AMBER, label="no key", sentence=sentence)
    return Face(icon="lock", tone=Tone.BLUE, label=TECHNOLOGIES[recipient.technology])


def _key_card(recipient: RecipientPlan, plan: Plan) -> Iterator[Row]:
    key = recipient.key
    assert key is not None  # noqa: S101 -- asked for only where there is one
    yield Row(name="For", value=recipient.address)
    yield from _key_rows(key)
    trust = next((choice.trust for choice in recipient.choices if choice.key is key), None)
    if trust is not None:
        yield Row(name="Trust", value=TRUST[trust])
    cipher = next((copy.cipher for copy in plan.copies if recipient.address in copy.recipients), None)
    if cipher is not None:
        yield Row(
            name="Cipher", value=CIPHERS[cipher] if isinstance(cipher, ContentCipher) else MESSAGE_CIPHERS[cipher]
        )


def _signer_card(key: Key) -> Iterator[Row]:
    yield Row(name="As", value=", ".join(key.addresses))
    yield from _key_rows(key)


def _key_rows(key: Key) -> Iterator[Row]:
    what = "Certificate" if key.technology is Technology.SMIME else "Key"
    yield Row(name=what, value=f"{key.name or 'without a name'} ({key.algorithm})")
    yield Row(name="Valid until", value=exact(key.valid_until) if key.valid_until else "no end")
    yield Row(name="Fingerprint", value=grouped(key.fingerprint), is_code=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
