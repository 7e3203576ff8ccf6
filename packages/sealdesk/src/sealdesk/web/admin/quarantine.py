"""Mail that did not become a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from sealdesk.mail.intake.actions import process, release
from sealdesk.mail.models import RawMail, RawState
from sealdesk.mail.queries import quarantine_for
from sealdesk.people.models import Group
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.sections import show
from sealdesk.web.presenters.intake import quarantine_face
from sealdesk.web.presenters.wording import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineLine:
    """One mail that is kept back."""

    mail: RawMail
    face: Face
    recipients: str


@staff_page
@require_GET
def quarantine(request: AgentRequest) -> HttpResponseBase:
    """The list, newest first. It shows nothing of what is in the mails."""
    lines = [
        QuarantineLine(mail=mail, face=quarantine_face(mail.reason), recipients=", ".join(mail.envelope_recipients))
        for mail in quarantine_for(request.user)
    ]
    context = {"lines": lines, "groups": Group.objects.filter(is_active=True)}
    return show(request, "admin_quarantine", "admin/quarantine.html", context)


@staff_page
@require_POST
def retry(request: AgentRequest, mail_id: UUID) -> HttpResponse:
    """Takes a mail in again, for another group where one is chosen."""
    mail = get_object_or_404(quarantine_for(request.user), pk=mail_id)
    chosen = request.POST.get("group", "")
    group = next((group for group in Group.objects.filter(is_active=True) if str(group.pk) == chosen), None)
    again = process(raw_mail=release(raw_mail=mail, group=group).pk)
    if again.state == RawState.DONE:
        messages.success(request, "The mail was taken in.")
    else:
        face = quarantine_face(again.reason)
        messages.error(request, f"It was tried again and is still here. {face.label}: {face.sentence}")
    return redirect("admin_quarantine")
