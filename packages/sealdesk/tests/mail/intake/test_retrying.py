"""Opening a mail again: keys that came later show what was hidden, and the first report stays."""

from __future__ import annotations

import pytest

from sealdesk.core.errors import DeskError
from sealdesk.mail.intake.retrying import knows_more, may_help, retry
from sealdesk.mail.models import SecurityLogEntry
from sealdesk.tickets.content import VerdictCodes

SUPPORT = "support@desk.example"


@pytest.mark.parametrize(
    ("before", "again", "expected"),
    [
        (("no_key", "none"), ("decrypted", "good"), True),
        (("no_key", "none"), ("decrypted", "unverified"), True),
        (("no_key", "none"), ("no_key", "none"), False),
        (("no_key", "none"), ("locked", "none"), True),
        (("decrypted", "unverified"), ("decrypted", "good"), True),
        (("decrypted", "unverified"), ("decrypted", "bad"), True),
        (("decrypted", "unverified"), ("no_key", "none"), False),
        (("decrypted", "good"), ("decrypted", "bad"), False),
        (("none", "bad"), ("none", "good"), False),
        (("none", "none"), ("none", "none"), False),
    ],
)
def test_a_new_look_replaces_only_what_was_not_known(before, again, expected):
    first, second = (VerdictCodes(encryption=one, signature=other) for one, other in (before, again))

    assert knows_more(first, second) is expected


@pytest.mark.parametrize(
    ("encryption", "signature", "expected"),
    [
        ("no_key", "none", True),
        ("locked", "none", True),
        ("none", "unverified", True),
        ("none", "bad", False),
        ("decrypted", "good", False),
    ],
)
def test_retry_is_offered_where_it_may_help(encryption, signature, expected):
    assert may_help(encryption, signature) is expected


@pytest.mark.parametrize(
    ("before", "again", "expected"),
    [
        ({"1": ("no_key", "none")}, {"1": ("decrypted", "good")}, True),
        (
            {"1": ("none", "unverified"), "2": ("no_key", "none")},
            {"1": ("none", "good"), "2": ("no_key", "none")},
            True,
        ),
        ({"1": ("none", "unverified")}, {"1": ("none", "unverified")}, False),
        ({"1": ("none", "unverified"), "2": ("none", "good")}, {"1": ("none", "good"), "2": ("none", "bad")}, False),
        ({"1": ("none", "unverified"), "2": ("none", "good")}, {"1": ("none", "good")}, False),
    ],
)
def test_a_new_look_at_parts_takes_nothing_back(before, again, expected):
    assert knows_more(VerdictCodes(), VerdictCodes(), before, again) is expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [(("no_key", "none"), True), (("none", "unverified"), True), (("none", "bad"), False), (("none", "good"), False)],
)
def test_retry_is_offered_for_a_part(part, expected):
    assert may_help("none", "none", {"1": part}) is expected


@pytest.mark.mission("S11")
@pytest.mark.django_db
def test_a_key_that_came_later_fills_in_the_article(ring, support, alice, cast, desk_keys, write, take_in):
    raw = write(
        cast.carol, text="Secret words", sign=True, encrypt=True, attachments=[("plan.txt", "text/plain", b"the plan")]
    )
    article = take_in(raw).article
    frozen = dict(article.report)
    ring.own(desk_keys[SUPPORT], support)
    ring.know(*cast.carol.keys)

    retried = retry(article=article, by=alice)

    article.refresh_from_db()
    assert retried.changed
    assert (article.encryption, article.signature, article.text.strip()) == ("decrypted", "good", "Secret words")
    assert [one.name for one in article.attachments.all()] == ["plan.txt"]
    rechecks = article.report["rechecks"]
    assert {name: value for name, value in article.report.items() if name != "rechecks"} == frozen
    assert [(look["by"], look["report"]["encryption"]["verdict"]) for look in rechecks] == [
        (str(alice.pk), "decrypted")
    ]
    article.ticket.refresh_from_db()
    assert (article.ticket.encryption, article.ticket.signature) == ("decrypted", "good")
    assert SecurityLogEntry.objects.filter(article=article, status="decrypted").count() == 1


@pytest.mark.django_db
def test_a_look_that_shows_nothing_new_is_kept_beside(support, alice, cast, write, take_in):
    article = take_in(write(cast.carol, sign=True, encrypt=True)).article

    retried = retry(article=article, by=alice)

    article.refresh_from_db()
    assert (retried.changed, article.encryption, len(article.report["rechecks"])) == (False, "no_key", 1)


@pytest.mark.django_db
def test_a_signature_is_verified_once_its_key_is_known(ring, support, alice, cast, write, take_in):
    article = take_in(write(cast.carol, sign=True)).article
    before = article.signature
    ring.know(*cast.carol.keys)

    retry(article=article, by=alice)

    article.refresh_from_db()
    assert (before, article.signature) == ("unverified", "good")


@pytest.mark.django_db
def test_agents_of_other_groups_cannot_retry(support, bob, cast, write, take_in):
    article = take_in(write(cast.carol, sign=True, encrypt=True)).article

    with pytest.raises(DeskError):
        retry(article=article, by=bob)
