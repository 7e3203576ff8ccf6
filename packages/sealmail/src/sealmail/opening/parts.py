"""Signed and encrypted parts inside a message that is not sealed as a whole: judged and shown apart, never merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sealmail import judge
from sealmail.addresses import Mailbox
from sealmail.keys import Key
from sealmail.mime import Part
from sealmail.opening import content as reading
from sealmail.opening import inline
from sealmail.opening.inline import Segment
from sealmail.opening.layers import Unwrapped, unwrap
from sealmail.opening.recognition import is_encrypted, is_layer
from sealmail.opening.result import Content, OpenedPart
from sealmail.opening.trust import Witnesses, bind_layers
from sealmail.report import (
    Covers,
    EncryptionLayer,
    Layer,
    PartReport,
    Signature,
    SignatureLayer,
    SignatureStatement,
    Warning,
)

_MOST_PARTS = 16
"""Sealed parts looked into in one message; more are left closed, with a warning."""
_SHARED = frozenset(
    {
        *(Warning.CUT_BY_LIMITS, Warning.STRUCTURE_DEFECTS),
        *(Warning.MALLEABLE_ENCRYPTION, Warning.WEAK_ENCRYPTION),
    }
)
"""What is so of a part and worth a mark on the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedParts:
    """What the sealed parts of one message gave."""

    reports: tuple[PartReport, ...] = ()
    opened: tuple[OpenedPart, ...] = ()
    keys_seen: tuple[Key, ...] = ()
    warnings: tuple[Warning, ...] = ()
    apart: frozenset[int] = frozenset()
    """`id()` of the parts whose content is shown apart."""
    residues: Mapping[int, Part] = field(default_factory=dict)
    """What stays of texts in which only some stretches are sealed, by the `id()` of the part whose place it takes."""


def open_parts(payload: Part, sender: Mailbox | None, witnesses: Witnesses) -> OpenedParts:
    """Looks into the sealed parts below `payload`; those inside attached messages stay closed."""
    residues: dict[int, Part] = {}
    found = list(_sealed_parts(payload, "", residues))
    reports, opened, keys_seen, apart = [], [], [], set()
    inflatable = witnesses.judges.policy.budget.payload_bytes
    shared: list[Warning] = []
    for path, part in found[:_MOST_PARTS]:
        unwrapped = unwrap(part, witnesses.judges, inflatable=inflatable)
        inflatable = unwrapped.inflatable
        keys_seen.extend(unwrapped.keys_seen)
        reports.append(_report(path, unwrapped, sender, witnesses))
        shared.extend(_shared(unwrapped, reports[-1]))
        # What was signed is given once more by itself: in the main text nobody could tell it from what is beside it.
        opened.append(OpenedPart(path=path, content=_content(unwrapped)))
        if is_encrypted(part) or inline.is_sealed_file(part):
            apart.add(id(part))
    return OpenedParts(
        reports=tuple(reports),
        opened=tuple(opened),
        keys_seen=tuple(keys_seen),
        warnings=(*_warnings(found, reports), *shared),
        apart=frozenset(apart),
        residues=residues,
    )


def _sealed_parts(part: Part, path: str, residues: dict[int, Part]) -> Iterator[tuple[str, Part]]:
    """Sealed parts with their paths, those of texts included; `residues` takes up what stays of such texts."""
    if part.is_message:
        return
    if (segments := inline.sealed_text(part)) and id(part) not in residues:
        residues[id(part)] = inline.residue(part, segments)
        yield from _sealed_segments(part, path or "1", segments)
    for number, child in enumerate(part.children, start=1):
        child_path = f"{path}.{number}" if path else str(number)
        if part.content_type == "multipart/alternative" and (segments := inline.sealed_text(child)):
            # The other forms of this text hold the same block, which in them nothing would take away.
            residues[id(part)] = inline.residue(child, segments)
        if is_layer(child) and not inline.sealed_text(child):
            yield child_path, child
        else:
            yield from _sealed_parts(child, child_path, residues)


def _sealed_segments(part: Part, path: str, segments: Sequence[Segment]) -> Iterator[tuple[str, Part]]:
    """The sealed stretches of a text, each as a part by itself: "2#1" is the first one in part 2."""
    sealed = [segment for segment in segments if segment.kind.is_sealed]
    for number, segment in enumerate(sealed, start=1):
        yield f"{path}#{number}", inline.text_part(segment.text, part.params.get("charset"))


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


def _shared(unwrapped: Unwrapped, report: PartReport) -> Iterator[Warning]:
    """As for whole messages: what a good signature covers inside the encryption was not changed unnoticed."""
    is_proven = report.signature.verdict is Signature.GOOD
    for warning in unwrapped.warnings:
        if warning in _SHARED and not (is_proven and warning is Warning.MALLEABLE_ENCRYPTION):
            yield warning


def _warnings(found: list[tuple[str, Part]], reports: list[PartReport]) -> Iterator[Warning]:
    # Encryption may lie within a signature or compression, which is what the part looks like from outside.
    if any(is_encrypted(part) for _, part in found) or _holds(EncryptionLayer, reports):
        yield Warning.ENCRYPTED_PART
    if _holds(SignatureLayer, reports):
        yield Warning.SIGNED_PART
    if len(found) > _MOST_PARTS:
        yield Warning.CUT_BY_LIMITS


def _holds(kind: type[Layer], reports: list[PartReport]) -> bool:
    return any(isinstance(layer, kind) for report in reports for layer in report.layers)
