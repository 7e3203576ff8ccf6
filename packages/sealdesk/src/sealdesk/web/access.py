"""Who may open a page. Agents see their groups' tickets; what they may not see does not exist for them (404)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

from sealdesk.people.models import Agent

P = ParamSpec("P")


class AgentRequest(HttpRequest):
    """A request of somebody who signed in."""

    user: Agent
    htmx: HtmxDetails


AgentView = Callable[Concatenate[AgentRequest, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def agent_page(view: AgentView[P]) -> View[P]:
    """A page for agents: signed in, times in their zone, and never kept by a cache."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        with timezone.override(_zone(request)):
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # login_required saw to it

    return never_cache(login_required(page))


def staff_page(view: AgentView[P]) -> View[P]:
    """A page for administrators."""

    @wraps(view)
    def page(request: AgentRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return agent_page(page)


def _zone(request: HttpRequest) -> ZoneInfo:
    try:
        return ZoneInfo(getattr(request.user, "time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
