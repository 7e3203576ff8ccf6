"""`plan`: who gets which copy, sealed how, and why not otherwise. Pure: asks keys and trust, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sealmail.choosing import KeyChoice, SignOption, choose, choose_own, sign_option
from sealmail.errors import InputError, Reason
from sealmail.keys import Key, KeyStore, Technology, TrustBook
from sealmail.keys.usability import Purpose
from sealmail.policy import Policy
from sealmail.sealing.forming import in_smime_form, planned_signature
from sealmail.sealing.keys_along import KeysAlong, keys_along, nothing_to_send
from sealmail.sealing.model import Field, Plan, PlannedCopy, RecipientPlan, SealRequest
from sealmail.sealing.openpgp_form import in_openpgp_form, pgp_signature
from sealmail.vouching import Judges


def plan(request: SealRequest, keys: KeyStore, trust: TrustBook, policy: Policy, at: datetime) -> Plan:
    """The plan for a mail. Never raises for what is merely not possible: `Plan.refusals` says it."""
    judges = Judges(keys=keys, trust=trust, policy=policy, at=at)
    recipients = tuple(_recipients(request, judges))
    sign_options = {technology: sign_option(request.sender, technology, judges) for technology in Technology}
    sign_options = {technology: _in_a_form(option, request, judges) for technology, option in sign_options.items()}
    own = _own_encryption_keys(request.sender, judges)
    along = keys_along(recipients, own.get(Technology.OPENPGP))
    copies = tuple(along.add_to(copy, request) for copy in _copies(request, recipients, sign_options, own, judges))
    return Plan(
        request=request,
        recipients=recipients,
        sign_options=sign_options,
        copies=copies,
        refusals=(*_refusals(request, recipients, copies, sign_options), *_key_refusals(request, along)),
    )


def _recipients(request: SealRequest, judges: Judges) -> Iterator[RecipientPlan]:
    seen: set[str] = set()
    for field, addresses in ((Field.TO, request.to), (Field.CC, request.cc), (Field.BCC, request.bcc)):
        for address in addresses:
            if address not in seen:
                seen.add(address)
                yield _recipient(address, field, request, judges)


def _recipient(address: str, field: Field, request: SealRequest, judges: Judges) -> RecipientPlan:
    wanted = [request.technology] if request.technology else list(Technology)
    choices = tuple(choose(address, technology, Purpose.ENCRYPT, judges) for technology in wanted)
    chosen = _choose(choices, request.preferred.get(address))
    reasons = () if chosen else tuple(reason for choice in choices for reason in choice.reasons)
    return RecipientPlan(
        address=address,
        field=field,
        technology=chosen.technology if chosen else None,
        key=chosen.key if chosen else None,
        reasons=reasons,
        choices=choices,
    )


def _choose(choices: Sequence[KeyChoice], preferred: Technology | None) -> KeyChoice | None:
    """What his last good-signed mail used, else the better trust, else S/MIME (which stands first)."""
    possible = [choice for choice in choices if choice.key is not None]
    by_habit = next((choice for choice in possible if choice.technology is preferred), None)
    return by_habit or max(possible, key=lambda choice: choice.trust, default=None)


def _in_a_form(option: SignOption, request: SealRequest, judges: Judges) -> SignOption:
    """The option, unless its key can make no signature that we write."""
    try:
        if option.key is not None and option.key.technology is Technology.SMIME:
            planned_signature(option.key, request.smime)
        elif option.key is not None:
            pgp_signature(option.key, (), judges.keys, judges.at)
    except InputError as error:
        sentence = f"The private key for {request.sender} cannot sign: {error}"
        return SignOption(key=None, reasons=(Reason(code="no_signing_use", sentence=sentence, address=request.sender),))
    return option


def _copies(
    request: SealRequest,
    recipients: Sequence[RecipientPlan],
    sign_options: dict[Technology, SignOption],
    own: dict[Technology, Key],
    judges: Judges,
) -> Iterator[PlannedCopy]:
    """To and Cc share a copy where they use the same technology; each Bcc has one of its own (design: no leak)."""
    plain_technology = _signing_technology(request, sign_options)
    for group in _groups(request, recipients):
        technology = group[0].technology if request.encrypt else plain_technology
        signer = sign_options[technology].key if request.sign and technology else None
        ours = own.get(technology) if technology else None
        copy = PlannedCopy(
            recipients=tuple(recipient.address for recipient in group),
            technology=technology if (signer or request.encrypt) else None,
            signer=signer,
            encrypt_to=_encrypt_to(group, ours) if request.encrypt else (),
            is_bcc=group[0].field is Field.BCC,
        )
        copy = in_smime_form(copy, group, request, None if ours == signer else ours)
        yield in_openpgp_form(copy, group, request.sender, judges.keys, judges.at)


def _groups(request: SealRequest, recipients: Sequence[RecipientPlan]) -> list[list[RecipientPlan]]:
    shared: dict[Technology | None, list[RecipientPlan]] = {}
    alone: list[list[RecipientPlan]] = []
    for recipient in recipients:
        if recipient.field is Field.BCC:
            alone.append([recipient])
        elif not request.encrypt:
            shared.setdefault(None, []).append(recipient)
        else:
            shared.setdefault(recipient.technology, []).append(recipient)
    return [*shared.values(), *alone]


def _own_encryption_keys(sender: str, judges: Judges) -> dict[Technology, Key]:
    choices = [choose_own(sender, technology, Purpose.ENCRYPT, judges) for technology in Technology]
    return {choice.technology: choice.key for choice in choices if choice.key is not None}


def _encrypt_to(group: Sequence[RecipientPlan], own: Key | None) -> tuple[Key, ...]:
    """The recipients' keys, and the sender's own where there is one, so that he can read what he sent."""
    theirs = [recipient.key for recipient in group if recipient.key is not None]
    chosen = [*theirs, *([own] if own and theirs else [])]
    return tuple({key.fingerprint: key for key in chosen}.values())


def _signing_technology(request: SealRequest, sign_options: dict[Technology, SignOption]) -> Technology | None:
    """For mail that is signed but not encrypted: the one asked for, else what the recipients use, else S/MIME."""
    if not request.sign:
        return None
    if request.technology:
        return request.technology
    able = [technology for technology in Technology if sign_options[technology].key is not None]
    habits = [request.preferred.get(address) for address in (*request.to, *request.cc)]
    by_habit = next((technology for technology in habits if technology in able), None)
    return by_habit or next(iter(able), Technology.SMIME)


def _refusals(
    request: SealRequest,
    recipients: Sequence[RecipientPlan],
    copies: Sequence[PlannedCopy],
    sign_options: dict[Technology, SignOption],
) -> Iterator[Reason]:
    if not recipients:
        yield Reason(code="no_recipient", sentence="There is no recipient.")
    if request.encrypt:
        for recipient in recipients:
            if not recipient.encryptable:
                yield from recipient.reasons
    if request.sign:
        unsigned = {copy.technology for copy in copies if copy.technology and not copy.sign}
        for technology in sorted(unsigned):
            yield from sign_options[technology].reasons
        if any(copy.technology is None for copy in copies) and not request.encrypt:
            yield from sign_options[request.technology or Technology.SMIME].reasons


def _key_refusals(request: SealRequest, along: KeysAlong) -> tuple[Reason, ...]:
    reason = nothing_to_send(request, along)
    return (reason,) if reason is not None else ()
