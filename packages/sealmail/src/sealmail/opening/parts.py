"""Signed and encrypted parts inside a message that is not sealed as a whole: judged and shown apart, never merged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sealmail import judge
from sealmail.addresses import Mailbox
from sealmail.keys import Key
from sealmail.mime import Part
from sealmail.opening import content as reading
from sealmail.opening.layers import Unwrapped, unwrap
from sealmail.opening.recognition import is_encrypted, is_layer
from sealmail.opening.result import Content, OpenedPart
from sealmail.opening.trust import Witnesses, bind_layers
from sealmail.report import Covers, PartReport, Signature, SignatureLayer, SignatureStatement, Warning

_MOST_PARTS = 16
"""Sealed parts looked into in one message; more are left closed, with a warning."""
_INCOMPLETE = frozenset({Warning.CUT_BY_LIMITS, Warning.STRUCTURE_DEFECTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedParts:
    """What the sealed parts of one message gave."""

    reports: tuple[PartReport, ...] = ()
    opened: tuple[OpenedPart, ...] = ()
    keys_seen: tuple[Key, ...] = ()
    warnings: tuple[Warning, ...] = ()
    apart: frozenset[int] = frozenset()
    """`id()` of the parts whose content is shown apart."""


def open_parts(payload: Part, sender: Mailbox | None, witnesses: Witnesses) -> OpenedParts:
    """Looks into the sealed parts below `payload`; those inside attached messages stay closed."""
    found = list(_sealed_parts(payload, ""))
    reports, opened, keys_seen, apart = [], [], [], set()
    inflatable = witnesses.judges.policy.budget.payload_bytes
    cuts: list[Warning] = []
    for path, part in found[:_MOST_PARTS]:
        unwrapped = unwrap(part, witnesses.judges, inflatable=inflatable)
        inflatable = unwrapped.inflatable
        cuts.extend(warning for warning in unwrapped.warnings if warning in _INCOMPLETE)
        keys_seen.extend(unwrapped.keys_seen)
        reports.append(_report(path, unwrapped, sender, witnesses))
        # What was signed is given once more by itself: in the main text nobody could tell it from what is beside it.
        opened.append(OpenedPart(path=path, content=_content(unwrapped)))
        if is_encrypted(part):
            apart.add(id(part))
    return OpenedParts(
        reports=tuple(reports),
        opened=tuple(opened),
        keys_seen=tuple(keys_seen),
        warnings=(*_warnings(found, reports), *cuts),
        apart=frozenset(apart),
    )


def _sealed_parts(part: Part, path: str) -> Iterator[tuple[str, Part]]:
    if part.content_type == "message/rfc822":
        return
    for number, child in enumerate(part.children, start=1):
        child_path = f"{path}.{number}" if path else str(number)
        if is_layer(child):
            yield child_path, child
        else:
            yield from _sealed_parts(child, child_path)


def _report(path: str, unwrapped: Unwrapped, sender: Mailbox | None, witnesses: Witnesses) -> PartReport:
    layers = bind_layers(unwrapped.layers, sender.address if sender else None, witnesses)
    speaking, outside = judge.speaking_layer(layers)
    signature = SignatureStatement(verdict=Signature.NONE, covers=Covers.NONE)
    if speaking is not None:
        signature = judge.judge_layer(speaking, covers=Covers.PART, outside=outside)
    return PartReport(
        path=path,
        layers=layers,
        encryption=judge.judge_encryption(layers, covers=Covers.PART),
        signature=signature,
    )


def _content(unwrapped: Unwrapped) -> Content:
    if unwrapped.payload is None:
        return reading.unopened_content(unwrapped.reached)
    return reading.read_content(unwrapped.payload, sealed=True)


def _warnings(found: list[tuple[str, Part]], reports: list[PartReport]) -> Iterator[Warning]:
    if any(is_encrypted(part) for _, part in found):
        yield Warning.ENCRYPTED_PART
    if any(isinstance(layer, SignatureLayer) for report in reports for layer in report.layers):
        yield Warning.SIGNED_PART
    if len(found) > _MOST_PARTS:
        yield Warning.CUT_BY_LIMITS
