"""Header fields that travel inside the protection."""

from __future__ import annotations

import pytest

from sealmail.addresses import Mailbox
from sealmail.mime import (
    Draft,
    build_entity,
    build_headers,
    fields_to_bytes,
    main_text,
    parse,
    protect_headers,
    protected_headers,
)
from sealmail.mime.building import is_seven_bit

DRAFT = Draft(
    from_=(Mailbox("Al\u00f6", "a@x.example"),),
    to=(Mailbox("", "b@y.example"), Mailbox("", "c@y.example")),
    subject=("A secret " * 20).strip(),
    text="Words\n",
    html="<p>Words",
    message_id="1@x.example",
    extra=(("Keywords", "secret"), ("Auto-Submitted", "no")),
)


def protect(*, encrypted: bool, hide_subject: bool):
    headers = parse(build_headers(DRAFT, bcc=True) + b"Bcc: d@z.example\r\n\r\n").headers
    return headers, *protect_headers(headers, build_entity(DRAFT), encrypted=encrypted, hide_subject=hide_subject)


@pytest.mark.mission("B6")
def test_protect_headers_hides_the_subject_and_gives_it_back():
    _, outer, entity = protect(encrypted=True, hide_subject=True)

    payload = parse(entity)
    found = protected_headers(payload)
    assert outer.all("subject") == ["[...]"]
    assert b"ecret" not in fields_to_bytes(outer)
    assert found.headers.text("subject") == DRAFT.subject
    assert found.confidential == ("subject", "keywords")
    assert main_text(payload, legacy_display=True).text == "Words\n"
    assert payload.params["hp"] == "cipher"
    assert is_seven_bit(entity)


def test_protect_headers_records_an_open_outside():
    headers, outer, entity = protect(encrypted=True, hide_subject=False)

    assert outer == headers.without("bcc", "mime-version")
    assert protected_headers(parse(entity)).confidential == ()


def test_protect_headers_hides_nothing_that_is_only_signed():
    headers, outer, entity = protect(encrypted=False, hide_subject=True)

    payload = parse(entity)
    assert outer == headers.without("bcc", "mime-version")
    assert payload.params["hp"] == "clear"
    assert not payload.headers.has("hp-outer")
    assert protected_headers(payload).headers == outer


@pytest.mark.mission("B3")
def test_protect_headers_copies_no_bcc():
    _, outer, entity = protect(encrypted=True, hide_subject=True)

    assert b"d@z.example" not in entity + fields_to_bytes(outer)


def test_protect_headers_keeps_the_body_to_the_byte():
    entity = (
        b'Content-Type: multipart/mixed;\r\n boundary="a b"; hp=x\r\nContent-Language: de\r\n\r\n--a b\r\n\r\n--a b--'
    )

    _, protected = protect_headers(parse(b"Subject: x\r\n\r\n").headers, entity, encrypted=False)

    part = parse(protected)
    assert part.body == parse(entity).body
    assert part.params == {"boundary": "a b", "hp": "clear"}
    assert part.headers.all("content-language") == ["de"]
