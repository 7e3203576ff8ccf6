"""The pages S/MIME and PGP: the switch, adding, the list, downloads, deleting, Default Behavior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from sealdesk.core.errors import DeskError
from sealdesk.keyring import actions, files
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import default_for, key_rows, stored_keys, technologies_on
from sealdesk.mail.queries import security_log
from sealdesk.mail.standing import standings
from sealdesk.people.models import Group
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.key_forms import AddingForm, CertificateForm, PGPKeyForm, PrivateKeyForm
from sealdesk.web.admin.sections import show
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.keys import KeyFace, key_face
from sealdesk.web.presenters.logs import log_lines
from sealmail.keys import Technology

_PAGES = {Technology.SMIME: "admin_smime", Technology.OPENPGP: "admin_openpgp"}
_LOG_LINES = 8
LONGEST_LIST = 500
_THINGS = {Technology.SMIME: "Certificate", Technology.OPENPGP: "Public Key"}
_EMPTY_OWN = {
    Technology.SMIME: "Certificates of our own with their private keys appear here. Without one, nothing is signed or "
    "decrypted: begin with Add Private Key below.",
    Technology.OPENPGP: "Keys of our own with their private side appear here. Without one, nothing is signed or "
    "decrypted: begin with Add Key below.",
}
_EMPTY_CONTACTS = {
    Technology.SMIME: "Certificates of customers appear here: for verifying their mail and for encrypting to them. "
    "Add Certificate is below; the certificate of an issuer stands for all that it issued.",
    Technology.OPENPGP: "Public keys of customers appear here: for verifying their mail and for encrypting to them. "
    "Add Key is below.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyList:
    """Keys that belong together, with what an empty list says."""

    title: str
    empty: str
    keys: Sequence[KeyFace]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """One of the forms that add something."""

    anchor: str
    title: str
    sentence: str
    action: str
    form: AddingForm


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultLine:
    """What the composer presets for a group."""

    group: Group
    sign: bool
    encrypt: bool


@staff_page
@require_GET
def smime(request: AgentRequest) -> HttpResponseBase:
    """Certificates and private keys."""
    return _show(request, Technology.SMIME)


@staff_page
@require_GET
def openpgp(request: AgentRequest) -> HttpResponseBase:
    """PGP keys."""
    return _show(request, Technology.OPENPGP)


@staff_page
@require_POST
def add_certificate(request: AgentRequest) -> HttpResponseBase:
    """Add Certificate."""
    return _add(request, Technology.SMIME, CertificateForm(request.POST, request.FILES))


@staff_page
@require_POST
def add_private_key(request: AgentRequest) -> HttpResponseBase:
    """Add Private Key."""
    return _add(request, Technology.SMIME, PrivateKeyForm(request.POST, request.FILES))


@staff_page
@require_POST
def add_pgp_key(request: AgentRequest) -> HttpResponseBase:
    """Add Key."""
    return _add(request, Technology.OPENPGP, PGPKeyForm(request.POST, request.FILES))


@staff_page
@require_GET
def download(request: AgentRequest, key_id: UUID) -> HttpResponse:  # noqa: ARG001 -- the decorator asks for it
    """The certificate or public key, as a text file."""
    key = get_object_or_404(StoredKey, pk=key_id)
    return _file(key, files.public_file(key), "")


@staff_page
@require_POST
def download_secret(request: AgentRequest, key_id: UUID) -> HttpResponse:
    """The private key as protected as it came. Posted, so that no link that somebody was sent fetches it."""
    key = get_object_or_404(StoredKey, pk=key_id)
    try:
        return _file(key, files.secret_file(key=key, by=request.user), "private-")
    except DeskError as error:
        messages.error(request, error.sentence)
        return redirect(_PAGES[Technology(key.technology)])


@staff_page
@require_POST
def delete(request: AgentRequest, key_id: UUID) -> HttpResponse:
    """Deletes a key with its secret side, or only the secret side."""
    key = get_object_or_404(StoredKey, pk=key_id)
    try:
        if request.POST.get("what") == "secret":
            actions.delete_secret(key=key, by=request.user)
            messages.success(request, "The private key was deleted; its certificate or public key is still here.")
        else:
            actions.delete_key(key=key, by=request.user)
            messages.success(request, "Deleted.")
    except DeskError as error:
        messages.error(request, error.sentence)
    return redirect(_PAGES[Technology(key.technology)])


@staff_page
@require_POST
def switch(request: AgentRequest, technology: str) -> HttpResponse:
    """Turns a technology on or off."""
    chosen = _technology(technology)
    actions.switch(technology=chosen, is_on=request.POST.get("is_on") == "on", by=request.user)
    return redirect(_PAGES[chosen])


@staff_page
@require_POST
def defaults(request: AgentRequest, technology: str) -> HttpResponse:
    """Saves Default Behavior."""
    chosen = _technology(technology)
    for group in Group.objects.all():
        actions.set_default(
            group=group,
            technology=chosen,
            sign=f"sign-{group.pk}" in request.POST,
            encrypt=f"encrypt-{group.pk}" in request.POST,
            by=request.user,
        )
    messages.success(request, f"Default Behavior of {TECHNOLOGIES[chosen]} was saved.")
    return redirect(f"{reverse(_PAGES[chosen])}#default")


def _file(key: StoredKey, content: bytes, prefix: str) -> HttpResponse:
    ending = "pem" if key.technology == Technology.SMIME else "asc"
    response = HttpResponse(content, content_type="application/octet-stream")
    name = f"{prefix}{key.fingerprint[-16:]}.{ending}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _add(request: AgentRequest, technology: Technology, form: AddingForm) -> HttpResponseBase:
    if form.is_valid():
        try:
            sentences = form.add(by=request.user)
        except DeskError as error:
            form.refuse(error)
        else:
            for sentence in sentences:
                messages.success(request, sentence)
            return redirect(_PAGES[technology])
    return _show(request, technology, failed=form, status=422)


def _show(
    request: AgentRequest, technology: Technology, *, failed: AddingForm | None = None, status: int = 200
) -> HttpResponseBase:
    entries = security_log().filter(technology=technology.value)[:_LOG_LINES]
    context: dict[str, Any] = {
        "technology": technology.value,
        "word": TECHNOLOGIES[technology],
        "thing": _THINGS[technology],
        "is_on": technology in technologies_on(),
        "lists": _lists(technology),
        "adds": _adds(technology, failed),
        "defaults": [_default(group, technology) for group in Group.objects.filter(is_active=True)],
        "lines": log_lines(entries),
    }
    return show(request, _PAGES[technology], "admin/keys.html", context, status=status)


def _lists(technology: Technology) -> list[KeyList]:
    added, seen = (_faces(technology, candidates=candidates) for candidates in (False, True))
    own = [face for face in added if face.has_secret]
    issuers = [face for face in added if face.key.is_ca and not face.has_secret]
    contacts = [face for face in added if not face.has_secret and not face.key.is_ca]
    return [
        KeyList(title="Own", keys=own, empty=_EMPTY_OWN[technology]),
        KeyList(title="Contacts", keys=contacts, empty=_EMPTY_CONTACTS[technology]),
        *([KeyList(title="Issuers", keys=issuers, empty="")] if issuers else []),
        *([KeyList(title="Seen in mail, added by nobody", keys=seen, empty="")] if seen else []),
    ]


def _faces(technology: Technology, *, candidates: bool) -> list[KeyFace]:
    rows = key_rows(stored_keys(technology, candidates=candidates)[:LONGEST_LIST])
    trust = standings(rows)
    return [key_face(row, trust.get(row.key.pk)) for row in rows]


def _adds(technology: Technology, failed: AddingForm | None) -> list[Adding]:
    kinds = (CertificateForm, PrivateKeyForm) if technology is Technology.SMIME else (PGPKeyForm,)
    return [
        Adding(
            anchor=kind.anchor,
            title=kind.title,
            sentence=kind.sentence,
            action=reverse(kind.url),
            form=failed if isinstance(failed, kind) else kind(),
        )
        for kind in kinds
    ]


def _default(group: Group, technology: Technology) -> DefaultLine:
    default = default_for(group, technology)
    return DefaultLine(group=group, sign=default.sign, encrypt=default.encrypt)


def _technology(name: str) -> Technology:
    if name not in set(Technology):
        raise Http404
    return Technology(name)
