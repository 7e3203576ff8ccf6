"""What belongs to one article: formatted mail in its frame, files, raw source, another look with today's keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from sealdesk.core.errors import DeskError
from sealdesk.mail import rawmail
from sealdesk.mail.intake.retrying import retry
from sealdesk.mail.models import Copy, CopyState, Outgoing, RawMail
from sealdesk.mail.outbox import actions as outbox
from sealdesk.mail.queries import mail_of
from sealdesk.tickets import attachments
from sealdesk.tickets.errors import TicketError
from sealdesk.tickets.models import Article
from sealdesk.tickets.queries import article_for, attachment_for
from sealdesk.web import html_mail
from sealdesk.web.access import AgentRequest, agent_page
from sealdesk.web.agent.cards import article_cards, may_load_pictures

_FILE_POLICY = "default-src 'none'; sandbox"


@agent_page
@require_GET
@xframe_options_sameorigin
def formatted(request: AgentRequest, article_id: UUID) -> HttpResponse:
    """The HTML of a mail, cleaned, under a policy of its own; nothing of it ever runs."""
    article = _article(request, article_id)
    if not article.html:
        raise Http404
    remote = request.GET.get("pictures") == "load" and may_load_pictures(article)
    response = HttpResponse(html_mail.page(article.html, pictures=_pictures(article), remote_pictures=remote))
    response["Content-Security-Policy"] = html_mail.POLICY_WITH_PICTURES if remote else html_mail.POLICY
    response["Referrer-Policy"] = "no-referrer"
    return response


@agent_page
@require_GET
def attachment(request: AgentRequest, attachment_id: UUID) -> HttpResponseBase:
    """A file, always to be saved and never shown in our origin."""
    file = attachment_for(request.user, attachment_id)
    if file is None:
        raise Http404
    response = StreamingHttpResponse(attachments.stream(file))
    return _to_be_saved(response, file.name or "file", file.size)


@agent_page
@require_GET
def raw(request: AgentRequest, article_id: UUID) -> HttpResponse:
    """The mail exactly as it came."""
    article = _article(request, article_id)
    mail = RawMail.objects.filter(article=article).first()
    if mail is None:
        raise Http404
    response = HttpResponse(rawmail.read(mail))
    _to_be_saved(response, f"{article.ticket.number}-{article.pk}.eml", len(response.content))
    return response


@agent_page
@require_GET
def deliveries(request: AgentRequest, article_id: UUID) -> HttpResponseBase:
    """The recipients of a mail of ours, each with what became of its copy by now."""
    article = _article(request, article_id)
    mails = mail_of([article])
    if mails[article.pk].outgoing is None:
        raise Http404
    (card,) = article_cards([article], mails)
    return render(request, "agent/_deliveries.html", {"card": card})


@agent_page
@require_POST
def retry_opening(request: AgentRequest, article_id: UUID) -> HttpResponse:
    """Opens and checks a mail again with the keys that are here now."""
    article = _article(request, article_id)
    try:
        if retry(article=article, by=request.user).changed:
            messages.success(request, "Opened and checked again: it shows more now.")
        else:
            messages.info(request, "Opened and checked again with the keys that are here now: nothing changed.")
    except (DeskError, TicketError) as error:
        messages.error(request, str(error))
    return _back_to(article)


@agent_page
@require_POST
def seal_again(request: AgentRequest, article_id: UUID) -> HttpResponse:
    """A mail of ours that was refused is sealed with the keys that are here now, and sent."""
    article = _article(request, article_id)
    outgoing = get_object_or_404(Outgoing, article=article)
    try:
        outbox.seal_again(outgoing=outgoing, by=request.user)
    except DeskError as error:
        messages.error(request, error.sentence)
    return _back_to(article)


@agent_page
@require_POST
def send_again(request: AgentRequest, article_id: UUID, copy_id: UUID) -> HttpResponse:
    """A sealed copy that failed is sent once more; one whose fate is unknown only after a confirmation."""
    article = _article(request, article_id)
    copy = get_object_or_404(Copy, pk=copy_id, outgoing__article=article)
    try:
        if copy.state == CopyState.UNKNOWN and "may_arrive_twice" not in request.POST:
            raise TicketError("It may have arrived already. Confirm that it may arrive twice, or leave it.")
        outbox.send_again(copy=copy, by=request.user)
    except DeskError as error:
        messages.error(request, error.sentence)
    return _back_to(article)


def _article(request: AgentRequest, article_id: UUID) -> Article:
    article = article_for(request.user, article_id)
    if article is None:
        raise Http404
    return article


def _back_to(article: Article) -> HttpResponse:
    return redirect(f"{reverse('ticket', args=[article.ticket.number])}#article-{article.pk}")


def _pictures(article: Article) -> dict[str, html_mail.Picture]:
    return {
        file.content_id.strip("<>"): html_mail.Picture(content_type=file.content_type, data=attachments.read(file))
        for file in article.attachments.filter(part="")  # what was opened apart is never shown in its surroundings
        if file.content_id and file.content_type in html_mail.PICTURE_TYPES and file.size <= html_mail.PICTURE_LIMIT
    }


def _to_be_saved(response: HttpResponseBase, name: str, size: int) -> HttpResponseBase:
    response["Content-Type"] = "application/octet-stream"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Length"] = str(size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _FILE_POLICY
    return response
