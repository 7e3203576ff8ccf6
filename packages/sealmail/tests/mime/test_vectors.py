"""Mails of other projects: what they are known to hold is found, and nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealmail.mime import Part, ProtectedStyle, attachments, main_text, parse, protected_headers, text_of

pytestmark = pytest.mark.vectors

# Mails on which our reading differs from stalwart's, and why.
DIFFERING = {
    "legacy/026.eml": "it decodes uuencode",
    "legacy/033.eml": "bytes that are no UTF-8 are read as windows-1252, not replaced",
    "legacy/049.eml": "the text ends with its last byte",
    "legacy/052.eml": "bytes that are no UTF-8 are read as windows-1252, not replaced",
    "rfc/000.eml": "it shows a body that is no base64 as it came",
    "thirdparty/000.eml": "lone CR and NUL are made harmless in text",
    "thirdparty/002.eml": "broken base64 is decoded as far as it goes",
    "thirdparty/005.eml": "it ends a part at a delimiter inside a line; UTF-16 has no line ends to replace",
    "thirdparty/011.eml": "a body without bytes",
    "thirdparty/015.eml": "a multipart without a boundary",
}


def mails(vectors: Path) -> list[Path]:
    folders = ("mime", "kde-mimetreeparser", "rfc9788", "protected-headers-draft", "rfc4134")
    return [path for folder in folders for path in sorted((vectors / folder).rglob("*")) if path.is_file()]


def test_every_vector_is_parsed_into_slices(vectors):
    paths = mails(vectors)
    for path in paths:
        raw = path.read_bytes()
        root = parse(raw)
        for part in root.walk():
            assert raw[part.start : part.end] == part.entity, path.name
            assert all(part.start <= child.start <= child.end <= part.end for child in part.children), path.name
            text_of(part).encode()
            protected_headers(part)
        main_text(root, legacy_display=True).text.encode()
        attachments(root)
    assert len(paths) > 500


def outside_of_messages(part: Part) -> list[Part]:
    below = [] if part.is_message else [found for child in part.children for found in outside_of_messages(child)]
    return [part, *below]


@pytest.mark.parametrize(("suffix", "end"), [(".json", b"\n"), (".crlf.json", b"\r\n")])
def test_trees_agree_with_stalwart(vectors, suffix, end):
    folder = vectors / "mime/stalwart-mail-parser/resources/eml"
    compared = 0
    for path in sorted(folder.rglob("*.eml")):
        name = str(path.relative_to(folder))
        # Each parser reads broken structures in its own way; ours are tested one by one elsewhere.
        if name.startswith("malformed/") or name in DIFFERING or not path.with_suffix(suffix).exists():
            continue
        raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", end)
        truth = json.loads(path.with_suffix(suffix).read_text())
        found = outside_of_messages(parse(raw))

        offsets = [(part.start, part.body_start, part.end) for part in found]
        assert offsets == [(p["offset_header"], p["offset_body"], p["offset_end"]) for p in truth["parts"]], name
        for part, expected in zip(found, truth["parts"], strict=True):
            assert_same_body(part, expected["body"], name)
        starts = [attachment.part.start for attachment in attachments(parse(raw))]
        assert starts == [truth["parts"][index]["offset_header"] for index in truth["attachments"]], name
        compared += 1
    assert compared > 70


def assert_same_body(part: Part, body: dict[str, object], name: str) -> None:
    match body:
        case {"Text": str(text)} | {"Html": str(text)}:
            assert text_of(part, flowed=False).split() == text.split(), name
        case {"Binary": list(octets)} | {"InlineBinary": list(octets)}:
            assert part.decoded() == bytes(octets), name


KDE_TEXTS = {
    "plaintext.mbox": "If you can see this text it means that your email client couldn't display our newsletter",
    "alternative.mbox": "If you can see this text it means that your email client couldn't display our newsletter",
    "openpgp-signed-mailinglist.mbox": "i noticed a new branch when i pulled kde-workspace today",
    "no-content-type.mbox": "asdfasdf",
    "html.mbox": "HTML text",
    "htmlonly.mbox": "SOME HTML text.",
    "8bitencoded.mbox": "And: is it just part of an old European dance craze? (Well, no.)",
    "applehtmlwithattachmentsmixed.mbox": "Hello Regards Fsdfsdf",
    "invitation.mbox": "*test1234*",
}


@pytest.mark.parametrize(("name", "words"), KDE_TEXTS.items())
def test_kde_mails_show_their_text(vectors, name, words):
    (path,) = (vectors / "kde-mimetreeparser").rglob(name)

    assert " ".join(words.split()) in " ".join(main_text(parse(path.read_bytes())).text.split())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("attachment.mbox", ["aqnaozisxya.jpeg"]),
        ("openpgp-signed-two-attachments.mbox", ["attachment1.txt", "attachment2.txt"]),
        ("openpgp-encrypted.mbox", ["msg.asc"]),
        ("encapsulated-with-attachment.mbox", ["forwarded message"]),
        ("plaintextattachment.mbox", ["xorg.conf"]),
        ("applehtmlwithattachmentsmixed.mbox", ["rebuildkube.sh"]),
        ("gmail-invitation.mbox", ["attachment.ics", "invite.ics"]),
        ("combined.mbox", []),
    ],
)
def test_kde_mails_show_their_attachments(vectors, name, expected):
    (path,) = (vectors / "kde-mimetreeparser").rglob(name)

    assert [attachment.name for attachment in attachments(parse(path.read_bytes()))] == expected


@pytest.mark.mission("B6")
@pytest.mark.parametrize("name", ["E.1-text-plain-legacy-display.mime", "E.2-text-html-legacy-display.mime"])
def test_rfc_9788_payloads_show_the_words_only(vectors, name):
    payload = parse((vectors / "rfc9788/payloads" / name).read_bytes())

    found = protected_headers(payload)

    words = main_text(payload, legacy_display=True).text.split()
    assert words == [
        "Let's",
        "meet",
        "at",
        "Rama's",
        "Roti",
        "Shop",
        "at",
        "8pm",
        "and",
        "go",
        "to",
        "the",
        "park",
        "from",
        "there.",
    ]
    assert (found.style, found.confidential) == (ProtectedStyle.RFC9788, ("subject",))
    assert found.headers.text("subject") == "Dinner plans"


@pytest.mark.mission("B6")
def test_rfc_9788_signed_part_has_protected_headers(vectors):
    message = parse((vectors / "rfc9788/signed/C.2.2-smime-multipart-hp.eml").read_bytes())

    found = protected_headers(message.children[0])

    assert found.style is ProtectedStyle.RFC9788
    assert found.headers.first("message-id") == "<smime-multipart-hp@example>"
    assert found.confidential == ()


@pytest.mark.mission("B6")
def test_rfc_9788_shy_headers_are_confidential(vectors):
    folder = vectors / "rfc9788/encrypted-reenveloped"
    payload = parse((folder / "C.3.3-smime-signed-enc-hp-shy.inner.mime").read_bytes())

    found = protected_headers(payload)

    assert set(found.confidential) == {"subject", "from", "to", "date"}
    assert found.headers.first("from") == "Alice <alice@smime.example>"


@pytest.mark.mission("B6")
def test_older_protected_headers_are_read_and_not_repeated(vectors):
    payloads = [
        path
        for path in sorted((vectors / "protected-headers-draft").glob("*.inner*"))
        if b"protected-headers=" in path.read_bytes().partition(b"\n\n")[0]
    ]
    for path in payloads:
        payload = parse(path.read_bytes())
        found = protected_headers(payload)

        assert found.style is ProtectedStyle.DRAFT, path.name
        assert found.headers.text("subject") in {"The FooCorp contract", "BarCorp contract signed, let's go!"}
        assert "Subject:" not in main_text(payload, legacy_display=True).text, path.name
        assert main_text(payload, legacy_display=True).text.lstrip().startswith(("Hi Bob", "Bob,")), path.name
    assert len(payloads) > 3


def test_older_protected_headers_are_found_below_a_signature(vectors):
    payload = parse((vectors / "protected-headers-draft/unfortunately-complex.inner").read_bytes())

    shown = main_text(payload, legacy_display=True)

    assert shown.text.startswith("Hi Bob!")
    assert shown.html is not None
    assert [each.name for each in attachments(payload, legacy_display=True)] == ["testharness-config.diff"]
