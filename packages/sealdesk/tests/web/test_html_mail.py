"""HTML of strangers: what is left of attacks after cleaning."""

from __future__ import annotations

import time

import pytest

from sealdesk.web.html_mail import POLICY, POLICY_WITH_PICTURES, Picture, page

PIXEL = Picture(content_type="image/png", data=b"\x89PNG")


def body_of(html: str, *, remote: bool = False, pictures=None) -> str:
    shown = page(html, pictures=pictures or {}, remote_pictures=remote)
    return shown.split("<body>", 1)[1].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("attack", "left"),
    [
        ("<script>alert(1)</script>words", "words"),
        ("<style>body{display:none}</style>words", "words"),
        ('<form action="https://evil.example"><input name="pin"><button>words</button></form>', "words"),
        ('<meta http-equiv="refresh" content="0;url=https://evil.example">words', "words"),
        ('<img src="https://evil.example/pixel.png">words', "<img>words"),
        ('<svg><script>alert(1)</script><image href="https://evil.example"/></svg>words', "words"),
        ('<base href="https://evil.example/">words', "words"),
        ('<iframe srcdoc="x"></iframe>words', "words"),
        ('<object data="https://evil.example"></object>words', "words"),
        ('<link rel="stylesheet" href="https://evil.example">words', "words"),
        ('<p onclick="alert(1)" onmouseover="x">words</p>', "<p>words</p>"),
        ('<p style="position:fixed;inset:0;color:red">words</p>', '<p style="color:red">words</p>'),
        ('<p style="background-color:url(https://evil.example)">words</p>', "<p>words</p>"),
        ('<td background="https://evil.example">words</td>', "words"),
        ('<img src="data:image/svg+xml;base64,PHN2Zz4=">words', "<img>words"),
        ('<img src="https://evil.example/x" srcset="https://evil.example/y 2x">words', "<img>words"),
        ('<video poster="https://evil.example" src="x"></video>words', "words"),
        ("<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>words", "words"),
        ('<template><img src="https://evil.example"></template>words', "words"),
        ("<!-- --!><img src=x onerror=alert(1)>--> words", "<img>--&gt; words"),
    ],
)
def test_attack_is_cleaned_away(attack, left):
    assert body_of(attack) == left


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "/accounts/logout/", "cid:x y"]
)
def test_link_that_leads_nowhere_good_loses_its_address(address):
    assert "alert" not in body_of(f'<a href="{address}">go</a>')
    assert "logout" not in body_of(f'<a href="{address}">go</a>')
    assert "text/html" not in body_of(f'<a href="{address}">go</a>')


def test_link_shows_its_own_host_whatever_its_words_say():
    shown = body_of('<a title="bank.example" href="https://evil.example/a?b=1&c=2">bank.example</a>')

    assert 'title="evil.example"' in shown
    assert 'title="bank.example"' not in shown


def test_picture_of_the_mail_becomes_data():
    assert body_of('<img src="cid:logo@x">', pictures={"logo@x": PIXEL}) == '<img src="data:image/png;base64,iVBORw==">'


def test_file_that_is_no_picture_is_not_shown_as_one():
    svg = Picture(content_type="image/svg+xml", data=b"<svg/>")

    assert body_of('<img src="cid:a">', pictures={"a": svg}) == "<img>"


def test_remote_pictures_come_only_when_asked_for_and_only_by_https():
    html = '<img src="https://shop.example/a.png"><img src="http://shop.example/b.png">'

    assert body_of(html) == "<img><img>"
    assert body_of(html, remote=True) == '<img src="https://shop.example/a.png"><img>'


def test_policy_is_exactly_the_rule():
    assert POLICY == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'"
    )
    assert POLICY_WITH_PICTURES.replace("img-src data: https:", "img-src data:") == POLICY


@pytest.mark.parametrize(
    "address",
    [
        r"https://evil.example\@bank.example/",
        r"https:\\evil.example/",
        "https:evil.example/",
        "https:/evil.example/",
        "https:///evil.example/",
        "ht\ntps:evil.example/",
        "https://evil.example\t\\@bank.example/",
    ],
)
def test_attack_link_that_browsers_read_otherwise_loses_its_address(address):
    assert "href" not in body_of(f'<a href="{address}">bank.example</a>')


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://shop.example/a\\b?c=\\d", None),
        ("https://shop.example/a?b=c d", "shop.example"),
        ("https://shop.example?b=\\d", "shop.example"),
        ("http://shop.example:8080/a", "shop.example"),
        ("https://bank.example@shop.example/", "shop.example"),
    ],
)
def test_link_keeps_an_address_that_is_read_in_one_way(address, host):
    shown = body_of(f'<a href="{address}">go</a>')

    assert ("href" in shown) == (host is not None)
    assert (f'title="{host}"' in shown) == (host is not None)


@pytest.mark.parametrize(
    "attack", ["<div>" * 200_000, "<b></p>" * 200_000, "<a><p>" * 100_000, "<font color=1>" * 90_000]
)
def test_attack_html_made_to_keep_the_cleaner_busy_is_shown_as_words(attack):
    began = time.process_time()

    assert "words" in body_of(attack + "words")

    assert time.process_time() - began < 5


def test_long_newsletter_keeps_its_form():
    html = "<table>" + "<tr><td><p>Row<br>and<img>more<li>x" * 2000 + "</table>"

    assert "<td>" in body_of(html)
