from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path


def absent(request: HttpRequest, rest: str = "") -> HttpResponse:  # noqa: ARG001 -- the signature of a view
    """Pages of allauth that Sealdesk does not have: they would send mail past the outbox, and for strangers."""
    raise Http404


urlpatterns = [
    re_path(r"^accounts/(?:password/reset|email|confirm-email|signup)/(?P<rest>.*)$", absent),
    path("accounts/", include("allauth.urls")),
    path("", include("sealdesk.web.urls")),
]
