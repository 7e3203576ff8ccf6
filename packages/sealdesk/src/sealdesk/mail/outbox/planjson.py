"""A plan in the form in which it is kept with the article: who got what, sealed how; no key material."""

from __future__ import annotations

from typing import Any

from sealmail.errors import Reason
from sealmail.sealing import Plan, PlannedCopy, RecipientPlan

SCHEMA = 1


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """JSON-able and versioned."""
    request = plan.request
    return {
        "schema": SCHEMA,
        "sender": request.sender,
        "sign": request.sign,
        "encrypt": request.encrypt,
        "technology": request.technology.value if request.technology else "auto",
        "recipients": [_recipient(one) for one in plan.recipients],
        "copies": [_copy(one) for one in plan.copies],
        "refusals": [_reason(one) for one in plan.refusals],
    }


def _recipient(recipient: RecipientPlan) -> dict[str, Any]:
    return {
        "address": recipient.address,
        "field": recipient.field.value,
        "technology": recipient.technology.value if recipient.technology else None,
        "key": recipient.key.fingerprint if recipient.key else None,
        "reasons": [_reason(one) for one in recipient.reasons],
    }


def _copy(copy: PlannedCopy) -> dict[str, Any]:
    return {
        "recipients": list(copy.recipients),
        "technology": copy.technology.value if copy.technology else None,
        "signer": copy.signer.fingerprint if copy.signer else None,
        "encrypt_to": [key.fingerprint for key in copy.encrypt_to],
        "is_bcc": copy.is_bcc,
        "cipher": copy.cipher.value if copy.cipher else None,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "sentence": reason.sentence, "address": reason.address}
