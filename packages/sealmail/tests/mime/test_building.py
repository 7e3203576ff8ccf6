"""New messages: what was put in comes out again, and nothing that changes on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.addresses import Mailbox, canonical, parse_list
from sealmail.errors import UsageError
from sealmail.mime import (
    Draft,
    DraftAttachment,
    attachments,
    build_entity,
    build_headers,
    build_message,
    canonical_line_ends,
    draft_from_message,
    main_text,
    multipart,
    parse,
)
from sealmail.mime.building import is_seven_bit
from sealmail.mime.fields import fields_to_bytes

ALICE = Mailbox("Alice L\u00f6w", "alice@example.org")
BOB = Mailbox('Bob, the "Builder"', "bob@example.org")
PRINTABLE = st.text(
    alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]) | st.just(" "), max_size=120
)
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00\ufeff"), max_size=300)
FILES = st.lists(
    st.builds(
        DraftAttachment,
        st.text(
            alphabet=st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\."), min_size=1, max_size=90
        ),
        st.sampled_from(["application/pdf", "text/plain; charset=utf-8", "image/png", "nonsense", "multipart/mixed"]),
        st.binary(max_size=200),
    ),
    max_size=3,
)


def draft(**changes) -> Draft:
    return Draft(from_=(ALICE,), **changes)


def assert_safe_to_sign(entity: bytes) -> None:
    assert is_seven_bit(entity)
    for line in entity.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith(b"From ")


@given(PRINTABLE, TEXT, st.none() | TEXT, FILES)
def test_message_round_trips(subject, text, html, files):
    made = draft(to=(BOB,), subject=subject, text=text, html=html, attachments=tuple(files))

    root = parse(build_message(made))

    found = main_text(root)
    assert " ".join((root.headers.text("subject") or "").split()) == " ".join(subject.split())
    assert found.text == text
    assert found.html == html
    assert [(each.name, each.decoded()) for each in attachments(root)] == [(each.name, each.data) for each in files]
    assert [part.defects for part in root.walk()] == [()] * len(list(root.walk()))
    assert_safe_to_sign(build_entity(made))


@given(
    st.lists(
        st.builds(Mailbox, PRINTABLE, st.sampled_from(["a@x.example", "B@b\u00fccher.example"])), min_size=1, max_size=4
    )
)
def test_addresses_round_trip(mailboxes):
    headers = parse(build_headers(draft(to=tuple(mailboxes)))).headers

    listed = parse_list(headers.first("to") or "")
    assert listed.defects == ()
    assert [each.address for each in listed.mailboxes] == [canonical(each.address) for each in mailboxes]


def test_headers_are_complete_and_folded():
    made = draft(
        to=(BOB, Mailbox("", "c@x.example")),
        cc=(Mailbox("D", "d@x.example"),),
        bcc=(Mailbox("", "hidden@x.example"),),
        subject="Gr\u00fc\u00dfe",
        message_id="1@desk.example",
        date=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        in_reply_to="<0@x.example>",
        references=("<00@x.example>", "not an id\r\nBcc: x", "<0@x.example>"),
        extra=(("Auto-Submitted", "auto-replied"), ("X-Name", "J\u00f6rg")),
    )

    assert build_headers(made).split(b"\r\n") == [
        b"From: =?utf-8?B?QWxpY2UgTMO2dw==?=",
        b" <alice@example.org>",
        b'To: "Bob, the \\"Builder\\"" <bob@example.org>, c@x.example',
        b"Cc: D <d@x.example>",
        b"Subject: =?utf-8?B?R3LDvMOfZQ==?=",
        b"Date: Fri, 02 Jan 2026 03:04:05 +0000",
        b"Message-ID: <1@desk.example>",
        b"In-Reply-To: <0@x.example>",
        b"References: <00@x.example> <0@x.example>",
        b"Auto-Submitted: auto-replied",
        b"X-Name: =?utf-8?B?SsO2cmc=?=",
        b"MIME-Version: 1.0",
        b"",
    ]
    assert b"hidden" not in build_message(made)
    assert b"Bcc: hidden@x.example\r\n" in build_headers(made, bcc=True)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\r\nBcc: mallory@evil.example"},
        {"subject": "x\nBcc: y"},
        {"subject": "x\ry"},
        {"subject": "\u00fc\r\nBcc: y"},
        {"subject": "x\x00"},
        {"to": (Mailbox("x\r\nBcc: y", "a@b"),)},
        {"to": (Mailbox("\u00fc\nBcc: y", "a@b"),)},
        {"to": (Mailbox("x", "a@b\r\nBcc: y"),)},
        {"to": (Mailbox("x", "a@b>, <c@d"),)},
        {"to": (Mailbox("x", "\u00fc@b"),)},
        {"message_id": "a@b>\r\nBcc: y"},
        {"message_id": "a b@c"},
        {"extra": (("X", "y\r\nBcc: z"),)},
        {"extra": (("X\r\nBcc", "z"),)},
        {"extra": (("X: y", "z"),)},
        {"extra": (("", "z"),)},
        {"extra": (("bcc", "z"),)},
        {"extra": (("Content-Type", "text/html"),)},
        {"extra": (("X", "y" * 1000),)},
        {"date": datetime(2026, 1, 1)},  # noqa: DTZ001  # without a time zone on purpose
    ],
)
def test_headers_refuse_what_could_end_a_line(changes):
    with pytest.raises(UsageError):
        build_headers(draft(**changes))


def test_headers_need_a_sender():
    with pytest.raises(UsageError):
        build_headers(Draft(from_=()))


def test_file_names_cannot_inject():
    entity = build_entity(draft(attachments=(DraftAttachment('a"\r\nX-Evil: y;.txt', "a/b\r\nX-Evil: z", b""),)))

    assert b"\nX-Evil" not in entity
    assert attachments(parse(entity))[0].name == 'a" X-Evil: y;.txt'


def test_attached_message_keeps_its_bytes():
    message = b"Subject: x\r\n\r\nhello \r\nFrom here\r\n"

    entity = build_entity(draft(attachments=(DraftAttachment("m.eml", "message/rfc822", message),)))

    (attached,) = attachments(parse(entity))
    assert (attached.content_type, attached.decoded()) == ("message/rfc822", message)


def test_attached_message_with_eight_bits_travels_as_a_file():
    message = "Subject: x\n\nh\u00e9llo\n".encode()

    entity = build_entity(draft(attachments=(DraftAttachment("m.eml", "message/rfc822", message),)))

    (attached,) = attachments(parse(entity))
    assert (attached.content_type, attached.decoded()) == ("application/octet-stream", message)
    assert is_seven_bit(entity)


@pytest.mark.parametrize("made", [draft(), draft(html="<p>"), draft(attachments=(DraftAttachment("a", "a/b", b""),))])
def test_root_params_stand_at_the_root(made):
    root = parse(build_entity(made, root_params={"hp": "cipher"}))

    assert [part.params.get("hp") for part in root.walk()] == ["cipher"] + [None] * (len(list(root.walk())) - 1)


@given(st.lists(st.binary(max_size=60).map(lambda body: b"A: b\r\n\r\n" + body), min_size=1, max_size=3))
def test_multipart_keeps_its_parts_to_the_byte(parts):
    root = parse(multipart("signed", parts, {"protocol": "application/pgp-signature", "micalg": "pgp-sha256"}))

    assert [child.entity for child in root.children] == parts
    assert root.params["micalg"] == "pgp-sha256"


def test_multipart_refuses_a_boundary_that_is_taken():
    with pytest.raises(UsageError):
        multipart("mixed", [b"\r\n--a\r\n"], boundary="a")
    with pytest.raises(UsageError):
        multipart("mixed", [b""], boundary="a\r\nb")


def test_draft_from_message_slices_what_is_seven_bit():
    raw = b'Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary="a"\nX: y\n\n--a\n\nhi\n--a--\n'

    headers, entity = draft_from_message(raw)

    assert [field.name for field in headers] == ["Subject", "X"]
    expected = b'Content-Type: multipart/mixed;\n boundary="a"\n\n--a\n\nhi\n--a--\n'
    assert entity == expected.replace(b"\n", b"\r\n")


def test_draft_from_message_encodes_leaves_that_need_it():
    message = "Content-Type: message/rfc822\n\nSubject: x\n\nh\u00e9\n"
    raw = (
        "Subject: h\u00e9\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nh\u00e9llo \n--a\n"
        f'Content-Type: text/x-diff; charset=utf-8; name="\u00e9.diff"\n\n+ \u00e9\n--a\n{message}\n--a--\n'
    ).encode()

    headers, entity = draft_from_message(raw)

    root = parse(entity)
    assert is_seven_bit(entity)
    assert main_text(root).text == "h\u00e9llo "
    diff, attached = attachments(root)
    assert (diff.name, diff.decoded()) == ("\u00e9.diff", "+ \u00e9".encode())
    assert attached.decoded() == "Subject: x\n\nh\u00e9\n".encode()
    assert fields_to_bytes(headers) == b"Subject: =?utf-8?B?aMOp?=\r\n"


@given(st.binary(max_size=300))
def test_draft_from_message_is_seven_bit_or_refused(raw):
    try:
        _, entity = draft_from_message(raw)
    except UsageError:
        return
    assert is_seven_bit(entity)


@pytest.mark.vectors
def test_draft_from_message_keeps_the_words_of_real_mails(vectors):
    for path in sorted((vectors / "kde-mimetreeparser").rglob("*.mbox")):
        raw = path.read_bytes()
        _, entity = draft_from_message(raw)

        assert is_seven_bit(entity), path.name
        assert main_text(parse(entity)).text == main_text(parse(raw)).text, path.name


def test_fields_to_bytes_keeps_ascii_fields():
    raw = b"Subject:  x\r\n\ty\r\nTo: a@b\r\n"

    assert fields_to_bytes(parse(raw).headers) == raw
    assert fields_to_bytes(parse("To: J\u00f6 <a@b>\n\n".encode()).headers) == b"To: =?utf-8?B?SsO2?=\r\n <a@b>\r\n"


def test_large_attachments_are_encoded_quickly():
    entity = build_entity(draft(attachments=(DraftAttachment("big", "a/b", bytes(10_000_000)),)))

    assert canonical_line_ends(entity) is entity
