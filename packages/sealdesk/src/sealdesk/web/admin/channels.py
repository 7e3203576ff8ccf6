"""Mail servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from sealdesk.mail import queries as mail
from sealdesk.mail.models import Channel, ChannelKind, Security
from sealdesk.people.models import Group
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.sections import show
from sealdesk.web.presenters.states import CHANNEL_KINDS, SECURITY


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLine:
    """A channel in the list; its password is never shown."""

    channel: Channel
    kind: str
    security: str


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Channel]
else:  # takes no argument at run time
    _ModelForm = forms.ModelForm


class ChannelForm(_ModelForm):
    """What a channel needs. The password goes into the vault and never comes back to a page."""

    password = forms.CharField(required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}))

    field_order = ("name", "kind", "host", "port", "security", "username", "password", "group", "folder")

    class Meta:
        model = Channel
        fields = ("name", "kind", "host", "port", "security", "username", "group", "folder")
        help_texts = {  # noqa: RUF012 -- Django's form declarations
            "group": "Incoming: where mail goes that names none of our addresses. Outgoing: empty serves every group.",
            "folder": "For IMAP: the folder that is read.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        kinds = [(kind.value, CHANNEL_KINDS[kind]) for kind in (ChannelKind.IMAP, ChannelKind.SMTP)]
        self.fields["kind"] = forms.ChoiceField(choices=kinds)
        securities = [(one.value, SECURITY[one]) for one in (Security.TLS, Security.STARTTLS, Security.NONE)]
        self.fields["security"] = forms.ChoiceField(label="Encryption", choices=securities, initial=Security.TLS)
        self.fields["group"] = forms.ModelChoiceField(
            Group.objects.all(), required=False, help_text=self.fields["group"].help_text
        )

    def save(self, commit: bool = True) -> Channel:
        """The channel with its password sealed."""
        self.instance.password = self.cleaned_data["password"] or None
        return super().save(commit)

    def clean_port(self) -> int:
        """A port that exists."""
        port = int(self.cleaned_data["port"])
        if not 0 < port < 65536:
            raise forms.ValidationError("A port is a number from 1 to 65535; IMAP uses 993, SMTP 465 or 587.")
        return port


@staff_page
@require_http_methods(["GET", "POST"])
def channels(request: AgentRequest) -> HttpResponseBase:
    """The list and the form for one more."""
    form = ChannelForm(
        request.POST if request.method == "POST" else None,
        initial={"folder": "INBOX", "port": 993, "security": Security.TLS},
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("admin_channels")
    lines = [
        ChannelLine(
            channel=channel,
            kind=CHANNEL_KINDS[ChannelKind(channel.kind)],
            security=SECURITY[Security(channel.security)],
        )
        for channel in mail.channels()
    ]
    context = {"channels": lines, "form": form}
    return show(request, "admin_channels", "admin/channels.html", context, status=422 if form.errors else 200)


@staff_page
@require_POST
def switch(request: AgentRequest, channel_id: UUID) -> HttpResponse:
    """Turns a channel on or off."""
    channel = get_object_or_404(Channel, pk=channel_id)
    channel.is_active = request.POST.get("is_active") == "on"
    channel.save(update_fields=["is_active"])
    return redirect("admin_channels")
