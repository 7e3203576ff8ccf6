"""The page for a new ticket: a mail that begins with us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sealdesk.core.errors import DeskError, Invalid
from sealdesk.mail.outbox import actions as outbox
from sealdesk.people.models import Group
from sealdesk.people.queries import groups_of
from sealdesk.web.access import AgentRequest, agent_page
from sealdesk.web.agent.composing import (
    Letter,
    addresses_in,
    composer_for,
    files_from,
    letter_from,
    obstacles,
    released,
)


@agent_page
@require_http_methods(["GET", "POST"])
def new_ticket(request: AgentRequest) -> HttpResponseBase:
    """The form, and what becomes of it."""
    if request.method == "GET":
        return _show(request, Letter(group=_first_group(request)))
    letter = letter_from(request)
    if "release" in request.POST:
        return _show(request, released(letter, request.POST["release"]))
    try:
        errors = _obstacles(request, letter)
        if not errors:
            return _send(request, letter)
    except Invalid as error:
        errors = {name or "sealing": list(sentences) for name, sentences in error.fields.items()}
    except DeskError as error:
        errors = {"sealing": [str(error)]}
    return _show(request, letter, errors, status=422)


@agent_page
@require_POST
def new_ticket_preview(request: AgentRequest) -> HttpResponseBase:
    """The part of the composer that says how the mail will be sealed, for what is typed now."""
    letter = released(letter_from(request), request.POST.get("release", ""))
    return render(request, "agent/_sealing.html", {"composer": composer_for(letter, _group(request, letter))})


def _show(
    request: AgentRequest, letter: Letter, errors: Mapping[str, Sequence[str]] | None = None, status: int = 200
) -> HttpResponseBase:
    context = {
        "composer": composer_for(letter, _group(request, letter), errors=errors),
        "groups": list(groups_of(request.user)),
        "post_to": reverse("ticket_new"),
        "check_at": reverse("ticket_new_preview"),
        "is_new": True,
    }
    return render(request, "agent/new_ticket.html", context, status=status)


def _obstacles(request: AgentRequest, letter: Letter) -> dict[str, list[str]]:
    group = _group(request, letter)
    if group is None:
        return {"group": ["Choose the group that sends it."]}
    missing = {
        name: ["Write something first." if name == "text" else "Say what it is about."]
        for name in ("subject", "text")
        if not getattr(letter, name).strip()
    }
    return missing or obstacles(letter, group, sender=None, answers_encrypted=False)


def _send(request: AgentRequest, letter: Letter) -> HttpResponse:
    group = _group(request, letter)
    if group is None:
        raise Invalid({"group": ["Choose the group that sends it."]})
    encrypt, sign = letter.wants
    article = outbox.compose(
        group=group,
        by=request.user,
        to=addresses_in(letter.to),
        cc=addresses_in(letter.cc),
        bcc=addresses_in(letter.bcc),
        subject=letter.subject,
        text=letter.text,
        sign=sign,
        encrypt=encrypt,
        technology=letter.technology,
        attachments=files_from(request),
    )
    return redirect("ticket", article.ticket.number)


def _group(request: AgentRequest, letter: Letter) -> Group | None:
    return groups_of(request.user).filter(pk=letter.group).first() if letter.group else None


def _first_group(request: AgentRequest) -> UUID | None:
    group = groups_of(request.user).first()
    return group.pk if group else None
