"""Pages for those who hear them or use the keyboard: headings in order, a label for every control, ids that are one."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

ADMIN_PAGES = ["admin_smime", "admin_openpgp", "admin_logs", "admin_groups", "admin_agents", "admin_channels"]
VOID = {"input", "meta", "link", "br", "img", "use", "path"}


class Outline(HTMLParser):
    """What matters of a page, in order."""

    def __init__(self, html):
        super().__init__()
        self.levels, self.ids, self.pointed_at, self.controls, self.labelled = [], [], [], [], set()
        self.nameless = []
        self._open = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag[0] == "h" and tag[1:].isdigit():
            self.levels.append(int(tag[1:]))
        if "id" in given:
            self.ids.append(given["id"])
        self.pointed_at += [
            name for one in ("aria-describedby", "aria-labelledby") for name in given.get(one, "").split()
        ]
        if tag == "label" and "for" in given:
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.controls.append((given.get("id"), given.get("name"), "label" in self._open or "aria-label" in given))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    @property
    def unlabelled(self):
        return [name for identity, name, wrapped in self.controls if not wrapped and identity not in self.labelled]

    @property
    def skips(self):
        return [pair for pair in zip([0, *self.levels], self.levels, strict=False) if pair[1] - pair[0] > 1]


@pytest.fixture
def pages(alice, admin, cast, own, know, take_in, write):
    """Every kind of page, with something on it."""
    know(cast.carol)
    number = take_in(write(cast.carol, sign=True, encrypt=True)).ticket.number
    addresses = [reverse("tickets", args=["all"]), reverse("ticket", args=[number]), reverse("ticket_new")]
    shown = {address: alice.get(address) for address in addresses}
    shown |= {name: admin.get(reverse(name)) for name in ADMIN_PAGES}
    shown["sign in"] = Client().get("/accounts/login/")
    return {name: Outline(response.content.decode()) for name, response in shown.items()}


def test_every_control_has_a_label(pages):
    assert {name: page.unlabelled for name, page in pages.items() if page.unlabelled} == {}


def test_headings_begin_at_one_and_skip_no_level(pages):
    begins = {name: page.levels.count(1) for name, page in pages.items()}

    assert begins == dict.fromkeys(pages, 1)
    assert {name: page.skips for name, page in pages.items() if page.skips} == {}


def test_no_id_is_there_twice_and_none_is_missing(pages):
    doubled = {name: {one for one in page.ids if page.ids.count(one) > 1} for name, page in pages.items()}
    missing = {name: set(page.pointed_at) - set(page.ids) for name, page in pages.items()}

    assert {name: ids for name, ids in doubled.items() if ids} == {}
    assert {name: ids for name, ids in missing.items() if ids} == {}


def test_badges_are_reached_by_keyboard_and_described_by_their_card(alice, cast, take_in, write):
    article = take_in(write(cast.carol, sign=True))

    listed = alice.get(reverse("tickets", args=["all"])).content.decode()
    shown = alice.get(reverse("ticket", args=[article.ticket.number])).content.decode()

    for page, about in ((listed, article.ticket.pk), (shown, article.pk)):
        assert f'aria-describedby="card-{about}"' in page
        assert f'role="tooltip" id="card-{about}"' in page
