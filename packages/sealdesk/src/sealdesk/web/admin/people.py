"""Groups with their sender addresses, and agents."""

from __future__ import annotations

import re

from django import forms
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from sealdesk.core.errors import DeskError
from sealdesk.people.actions import create_agent, create_group
from sealdesk.people.models import Agent, Group
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.forms import refused
from sealdesk.web.admin.sections import show


class GroupForm(forms.Form):
    """A new group."""

    name = forms.CharField(max_length=120)
    addresses = forms.CharField(
        label="Sender addresses",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One in each line. The first is the one that new mail is sent from.",
    )

    def clean_addresses(self) -> list[str]:
        """The lines as addresses."""
        return [word for word in re.split(r"[,;\s]+", self.cleaned_data["addresses"]) if word]


class AgentForm(forms.Form):
    """A new agent."""

    email = forms.EmailField(label="E-mail address", help_text="The agent signs in with it.")
    name = forms.CharField(max_length=200, required=False)
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), help_text="At least 10 characters."
    )
    groups = forms.ModelMultipleChoiceField(Group.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)
    is_administrator = forms.BooleanField(label="Administrator: may change everything in this area", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        self.fields["groups"].queryset = Group.objects.all()  # type: ignore[attr-defined]  # a choice of rows


@staff_page
@require_http_methods(["GET", "POST"])
def groups(request: AgentRequest) -> HttpResponseBase:
    """The list of groups, and the form for one more."""
    form = GroupForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            create_group(name=form.cleaned_data["name"], addresses=form.cleaned_data["addresses"], by=request.user)
        except DeskError as error:
            refused(form, error)
        else:
            return redirect("admin_groups")
    found = Group.objects.prefetch_related("sender_addresses", "memberships__agent")
    context = {"groups": found, "form": form}
    return show(request, "admin_groups", "admin/groups.html", context, status=422 if form.errors else 200)


@staff_page
@require_http_methods(["GET", "POST"])
def agents(request: AgentRequest) -> HttpResponseBase:
    """The list of agents, and the form for one more."""
    form = AgentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            create_agent(**form.cleaned_data, by=request.user)
        except DeskError as error:
            refused(form, error)
        else:
            return redirect("admin_agents")
    found = Agent.objects.prefetch_related("memberships__group").order_by("email")
    context = {"agents": found, "form": form}
    return show(request, "admin_agents", "admin/agents.html", context, status=422 if form.errors else 200)
