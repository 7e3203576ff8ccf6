"""What every page has: its name in the tab, an icon, a sheet for paper."""

from __future__ import annotations

import re
from pathlib import Path

from django.contrib.staticfiles import finders
from django.urls import reverse


def test_tab_of_a_ticket_carries_its_number_and_title(alice, cast, take_in, write):
    ticket = take_in(write(cast.erin, subject="Lamp & light")).ticket

    shown = alice.get(reverse("ticket", args=[ticket.number])).content.decode()

    assert f"<title>#{ticket.number} Lamp &amp; light · Sealdesk</title>" in shown


def test_every_file_that_the_style_sheet_names_is_there(db):
    sheet = Path(finders.find("sealdesk/css/desk.css"))

    named = re.findall(r'@import url\("([^"]+)"\)', sheet.read_text())

    assert "print.css" in named
    assert [name for name in named if not (sheet.parent / name).is_file()] == []


def test_pages_name_an_icon_that_is_there(client, db):
    shown = client.get("/accounts/login/").content.decode()

    (address,) = re.findall(r'<link rel="icon" href="/static/([^"]+)"', shown)
    assert finders.find(address)
