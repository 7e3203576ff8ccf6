"""What a reader sees: main text, HTML, attachments, headers that travelled inside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.mime import (
    ProtectedStyle,
    attachments,
    html_to_text,
    main_text,
    parse,
    protected_headers,
    safe_name,
    text_of,
    unwrap_rfc8551,
)
from sealmail.mime.html import without_tags


def entity(content_type: str, body: str, **fields: str) -> bytes:
    more = "".join(f"Content-{name.title()}: {value}\n" for name, value in fields.items())
    return f"Content-Type: {content_type}\n{more}\n{body}".encode()


def multi(subtype: str, *parts: bytes, mark: str = "", params: str = "") -> bytes:
    mark = mark or f"b{len(b''.join(parts))}"
    lines = b"".join(f"\n--{mark}\n".encode() + part for part in parts)
    return f"Content-Type: multipart/{subtype}; boundary={mark}{params}\n".encode() + lines + f"\n--{mark}--\n".encode()


PLAIN = entity("text/plain", "plain")
HTML = entity("text/html", "<p>html")
PNG = entity("image/png", "png", id="<pic@x>")
PDF = entity("application/pdf", "pdf", disposition='attachment; filename="a.pdf"')
NAMED = entity("text/plain; name=note.txt", "note")
ATTACHED = entity("text/plain", "attached", disposition="attachment")
FORWARDED = entity("message/rfc822", "Subject: x\n\nforwarded")


@pytest.mark.parametrize(
    ("raw", "text", "html", "attached"),
    [
        (PLAIN, "plain", None, []),
        (HTML, "html", "<p>html", []),
        (b"Subject: x\n\nhello", "hello", None, []),
        (multi("alternative", PLAIN, HTML), "plain", "<p>html", []),
        (multi("alternative", HTML, PLAIN), "plain", "<p>html", []),
        (multi("alternative", PLAIN, multi("related", HTML, PNG)), "plain", "<p>html", ["attachment.png"]),
        (multi("related", HTML, PNG), "html", "<p>html", ["attachment.png"]),
        (multi("related", PNG, HTML, params="; start=pic@x"), "html", "<p>html", ["attachment.png"]),
        (multi("mixed", PLAIN, PDF), "plain", None, ["a.pdf"]),
        (multi("mixed", multi("alternative", PLAIN, HTML), PDF), "plain", "<p>html", ["a.pdf"]),
        (
            multi("mixed", multi("alternative", PLAIN, HTML), entity("text/plain", "a <footer>")),
            "plain\na <footer>",
            '<p>html\n<div style="white-space: pre-wrap">a &lt;footer&gt;</div>',
            [],
        ),
        (multi("mixed", HTML, PDF, HTML), "html\nhtml", "<p>html\n<p>html", ["a.pdf"]),
        (multi("alternative", PLAIN, multi("mixed", HTML, PDF)), "plain", "<p>html", ["a.pdf"]),
        (multi("mixed", PLAIN, NAMED), "plain", None, ["note.txt"]),
        (multi("mixed", PLAIN, ATTACHED), "plain", None, ["attachment.txt"]),
        (ATTACHED, "", None, ["attachment.txt"]),
        (PDF, "", None, ["a.pdf"]),
        (multi("mixed", PLAIN, FORWARDED), "plain", None, ["message.eml"]),
        (FORWARDED, "", None, ["message.eml"]),
        (multi("alternative", PLAIN, HTML, entity("text/calendar", "x")), "plain", "<p>html", ["attachment.ics"]),
        (
            multi("signed", PLAIN, entity("application/pgp-signature", "x"), PDF),
            "plain",
            None,
            ["a.pdf"],
        ),
        (
            multi("encrypted", entity("application/pgp-encrypted", "x"), entity("application/octet-stream", "y")),
            "",
            None,
            ["attachment.bin"],
        ),
        (entity("multipart/mixed; boundary=x", "no parts"), "no parts", None, []),
        (entity("multipart/mixed", "no boundary"), "no boundary", None, []),
    ],
)
def test_main_text_and_attachments_are_chosen_as_mail_clients_do(raw, text, html, attached):
    root = parse(raw)

    found = main_text(root)

    assert (found.text, found.html) == (text, html)
    assert [attachment.name for attachment in attachments(root)] == attached


def test_attachments_give_exact_bytes_and_inline_ids():
    root = parse(multi("mixed", PLAIN, FORWARDED, multi("related", HTML, PNG, mark="r")))

    message, picture = attachments(root)

    assert message.decoded() == b"Subject: x\n\nforwarded"
    assert (message.content_type, message.inline_cid) == ("message/rfc822", None)
    assert (picture.decoded(), picture.inline_cid) == (b"png", "pic@x")


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("a/", "a"),
        ("..", ""),
        ("a\x00b\r\nc.txt", "ab c.txt"),
        ("gpj\u202eexe.txt", "gpjexe.txt"),
        (".htaccess", ".htaccess"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("", ""),
    ],
)
def test_safe_name_has_no_path_and_no_tricks(name, expected):
    assert safe_name(name) == expected


@given(st.binary(max_size=300))
def test_content_never_raises_on_any_bytes(raw):
    root = parse(b"Content-Type: multipart/mixed; boundary=a\n" + raw.replace(b"!", b"\n--a\n"))

    for part in root.walk():
        text_of(part)
        protected_headers(part, root.headers)
    main_text(root, legacy_display=True).text.encode()
    assert all(attachment.name for attachment in attachments(root, legacy_display=True))


def test_text_of_unwraps_flowed_text():
    raw = b"Content-Type: text/plain; format=flowed\n\none \ntwo\n> a \n> b\n>> c\n -- x\n-- \nme \nyou\n"

    assert text_of(parse(raw)) == "one two\n> a b\n>> c\n-- x\n-- \nme you\n"
    assert text_of(parse(raw), flowed=False).startswith("one \ntwo\n")


def test_text_of_joins_words_where_delsp_says_so():
    raw = b"Content-Type: text/plain; format=flowed; delsp=yes\n\none \ntwo"

    assert text_of(parse(raw)) == "onetwo"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>you</b></p><p>there", "Hello you\n\nthere"),
        ("<ul><li>a<li>b</ul>", "  * a\n  * b"),
        ("<table><tr><td>a<td>b</table>", "a  b"),
        ("<style>x</style><script>y</script>z", "z"),
        ('<?xml version="1.0" encoding="utf-16"?><p>x', "x"),
        ('<p style="padding-left: 9999999em">x</p>', "x"),
        ('<p>a</p><div style="DISPLAY : none">secret</div>', "a"),
        ("a &lt;b&gt; &#xe4;", "a <b> \u00e4"),
        ("", ""),
        ("<!-- x -->", ""),
        ("just text", "just text"),
    ],
)
def test_html_to_text_lays_out(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 5000 + "word" + "</div>" * 5000,
        "<table><tr><td>" * 200 + "word",
        "<i>x" * 100_000 + "word",
        '<p style="padding-left: 999999em">x' * 5000 + "word",
        "word" + "<" * 1_500_000,
        "word" + "<script>" * 200_000,
        "word" + "<!--" * 400_000,
        "word" + "&" * 1_500_000,
        "word\x00\ud800<p>",
    ],
    ids=["deep", "tables", "elements", "padding", "angles", "scripts", "comments", "entities", "surrogate"],
)
def test_html_to_text_survives_hostile_documents(html):
    text = html_to_text(html)

    assert "word" in text
    assert len(text) < 4 * len(html)


@given(st.text(alphabet="<>/!-abdivscript &;=\"'\n\x00\ud800", max_size=80))
def test_html_to_text_never_raises(html):
    html_to_text(html).encode()
    without_tags(html)


SIGNED_HP = b"""Subject: inner
From: Alice <alice@smime.example>
HP-Outer: Subject: [...]
HP-Outer: From: Alice <alice@smime.example>
Content-Type: text/plain; hp="%s"; hp-legacy-display=1

Subject: inner

Words
"""


@pytest.mark.mission("B6")
def test_protected_headers_tell_what_was_hidden():
    found = protected_headers(parse(SIGNED_HP % b"cipher"))

    assert found.present
    assert found.style is ProtectedStyle.RFC9788
    assert [field.name for field in found.headers] == ["Subject", "From"]
    assert found.confidential == ("subject",)


def test_protected_headers_that_were_only_signed_hide_nothing():
    assert protected_headers(parse(SIGNED_HP % b"clear")).confidential == ()


@pytest.mark.parametrize(
    ("raw", "style"),
    [
        (b"Content-Type: text/plain\n\nx", ProtectedStyle.NONE),
        (b"Subject: x\n\nx", ProtectedStyle.UNMARKED),
        (b'Subject: x\nContent-Type: text/plain; protected-headers="v1"\n\nx', ProtectedStyle.DRAFT),
        (b"Content-Type: message/rfc822\n\nFrom: a@b\nSubject: x\n\nx", ProtectedStyle.WRAPPED),
        (b"Content-Type: message/rfc822; forwarded=no\n\nFrom: a@b\nSubject: x\n\nx", ProtectedStyle.WRAPPED),
        (b"Content-Type: message/rfc822; forwarded=yes\n\nFrom: a@b\nSubject: x\n\nx", ProtectedStyle.NONE),
        (b"Content-Type: message/rfc822\n\nSubject: x\n\nx", ProtectedStyle.NONE),
    ],
)
def test_protected_headers_know_every_style(raw, style):
    payload = parse(raw)
    outer = parse(b"Subject: ...\nFrom: a@b\n\n").headers

    found = protected_headers(payload, outer)

    assert found.style is style
    assert found.present is (style is not ProtectedStyle.NONE)
    assert found.headers.all("subject") == (["x"] if found.present else [])
    assert found.confidential == (("subject",) if found.present else ())


def test_unwrap_gives_the_wrapped_message():
    message = unwrap_rfc8551(parse(b"Content-Type: message/rfc822\n\nFrom: a@b\n\nx"))

    assert message is not None
    assert message.body == b"x"


@pytest.mark.mission("B6")
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (SIGNED_HP % b"cipher", "Words\n"),
        (entity('text/plain; hp="cipher"; hp-legacy-display="1"', "Subject: a\nFrom: b\n c\n\nWords"), "Words"),
        (entity('text/plain; hp-legacy-display="1"', "Dear Bob\n\nWords"), "Dear Bob\n\nWords"),
        (entity("text/plain", "Subject: a\n\nWords"), "Subject: a\n\nWords"),
        (
            entity(
                'text/html; hp-legacy-display="1"',
                '<div class="header-protection-legacy-display"><div>Subject: a</div></div><p>Words',
            ),
            "Words",
        ),
        (multi("mixed", entity('text/plain; protected-headers="v1"', "Subject: a"), PLAIN), "plain"),
        (multi("mixed", entity('text/rfc822-headers; protected-headers="v1"', "Subject: a"), PLAIN), "plain"),
        (multi("mixed", entity('text/plain; protected-headers="v1"', "Subject: a")), "Subject: a"),
        (multi("mixed", PLAIN, entity('text/plain; protected-headers="v1"', "Subject: a")), "plain\nSubject: a"),
    ],
)
def test_main_text_leaves_out_repeated_headers_of_a_payload(raw, text):
    root = parse(raw)

    assert main_text(root, legacy_display=True).text == text
    assert attachments(root, legacy_display=True) == []


@pytest.mark.mission("B14")
def test_main_text_shows_everything_outside_of_a_payload():
    assert main_text(parse(SIGNED_HP % b"cipher")).text == "Subject: inner\n\nWords\n"


def test_main_text_removes_no_div_that_is_not_closed():
    raw = entity('text/html; hp-legacy-display="1"', '<div class="header-protection-legacy-display">a<p>Words')

    assert main_text(parse(raw), legacy_display=True).text == "a\n\nWords"
