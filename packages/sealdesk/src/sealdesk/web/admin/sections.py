"""The administration: its sections, and what every page of it shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from sealdesk.web.access import AgentRequest, staff_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A page of the administration; `sentence` says what it is for."""

    url: str
    label: str
    icon: str
    sentence: str


SECURITY: Sequence[Section] = (
    Section(
        url="admin_smime",
        label="S/MIME",
        icon="shield",
        sentence="Signs and encrypts mail with certificates: those of customers and issuers, and our own.",
    ),
    Section(
        url="admin_openpgp",
        label="PGP",
        icon="key-round",
        sentence="Signs and encrypts mail with PGP keys: public keys of customers, and our own private keys.",
    ),
    Section(
        url="admin_logs",
        label="Recent Logs",
        icon="history",
        sentence="Every signing, verifying, encrypting and decrypting, with its outcome. No word of a mail is here.",
    ),
)
DESK: Sequence[Section] = (
    Section(
        url="admin_groups",
        label="Groups",
        icon="users",
        sentence="Teams with tickets, addresses and private keys of their own. Agents see their groups’ tickets.",
    ),
    Section(
        url="admin_agents",
        label="Agents",
        icon="user",
        sentence="People who sign in. Nobody can sign up by himself.",
    ),
    Section(
        url="admin_channels",
        label="Channels",
        icon="server",
        sentence="Mail servers: where mail is fetched from, and by which it leaves.",
    ),
    Section(
        url="admin_quarantine",
        label="Quarantine",
        icon="inbox",
        sentence="Mail that did not become a ticket, with the reason. It is kept as it came until somebody decides.",
    ),
)
ALL = {section.url: section for section in (*SECURITY, *DESK)}


@staff_page
@require_GET
def index(request: AgentRequest) -> HttpResponse:  # noqa: ARG001 -- the decorator asks for it
    """The administration begins with S/MIME."""
    return redirect("admin_smime")


def show(
    request: AgentRequest, url: str, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponseBase:
    """A page of a section."""
    shared = {"section": ALL[url], "security": SECURITY, "desk": DESK, "view_slug": "none"}
    return render(request, template, {**shared, **context}, status=status)
