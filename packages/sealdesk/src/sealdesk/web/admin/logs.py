"""Recent Logs."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from sealdesk.mail.queries import security_log
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.sections import show
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.logs import log_lines
from sealmail.keys import Technology

PAGE_LENGTH = 100


@staff_page
@require_GET
def logs(request: AgentRequest) -> HttpResponseBase:
    """All operations, newest first, of one technology or of both."""
    technology = next((one for one in Technology if one == request.GET.get("technology")), None)
    entries = security_log().filter(technology=technology.value) if technology else security_log()
    page = Paginator(entries, PAGE_LENGTH).get_page(request.GET.get("page"))
    choices = [("", "Both"), *((one.value, word) for one, word in TECHNOLOGIES.items())]
    context = {
        "lines": log_lines(page.object_list),
        "page": page,
        "choices": choices,
        "technology": technology or "",
    }
    return show(request, "admin_logs", "admin/logs.html", context)
