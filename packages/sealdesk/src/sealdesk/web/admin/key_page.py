"""The page of one certificate or key."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import decisions, key_rows, pages_of
from sealdesk.keyring.revocations import data_of
from sealdesk.mail.explaining import KeyStory, story_of
from sealdesk.mail.standing import standings
from sealdesk.web.access import AgentRequest, staff_page
from sealdesk.web.admin.sections import show
from sealdesk.web.presenters import key_page as words
from sealdesk.web.presenters.keys import key_face
from sealdesk.web.presenters.revocation import revocation_line
from sealdesk.web.presenters.times import exact
from sealmail.keys import KeyId, Technology

SECTIONS = {Technology.SMIME: "admin_smime", Technology.OPENPGP: "admin_openpgp"}
_MOST_LISTS = 20


@staff_page
@require_GET
def key(request: AgentRequest, key_id: UUID) -> HttpResponseBase:
    """What it is, what it is used for now, and why another one is not."""
    row = next(iter(key_rows(StoredKey.objects.filter(pk=key_id).select_related("added_by"))), None)
    if row is None:
        raise Http404
    story = story_of(row)
    pages = pages_of(set(_mentioned(story)))
    lists = data_of(KeyId(row.key.subject))[:_MOST_LISTS] if row.key.is_ca and row.key.subject else []
    context = {
        "face": key_face(row, standings([row]).get(row.key.pk)),
        "facts": list(words.fact_rows(row, story)),
        "uses": words.use_lines(story, pages),
        "path": words.path_lines(story, pages),
        "has_path": story.path is not None,
        "revocation": words.revocation_line_of(story, exact(now())),
        "lists": [revocation_line(one) for one in lists],
        "decisions": words.decision_lines(decisions(row.key)),
    }
    return show(request, SECTIONS[Technology(row.key.technology)], "admin/key.html", context)


def _mentioned(story: KeyStory) -> Iterator[str]:
    """Fingerprints of all keys that the page names."""
    yield from (one.fingerprint for one in (story.path.chain if story.path else ()))
    for use in story.uses:
        yield from (one.key.fingerprint for choice in use.encrypting.choices for one in choice.passed_over)
