"""The people of the demo and their mail: keys that come back as they were, mail that every one of them can seal."""

from __future__ import annotations

import re
import time

import pytest

from sealdesk.core.clock import now
from sealdesk.demo import DemoError, deliver, post
from sealdesk.demo.customers import write
from sealdesk.demo.files import agreement_pdf
from sealdesk.demo.mails import ANSWERS, FIRST_MAILS, FOLLOW_UPS
from sealdesk.demo.people import Who, make_people, people
from sealmail.addresses import Mailbox
from sealmail.keys import Technology
from sealmail.keys.usability import Purpose, problems
from sealmail.mime import Draft


@pytest.fixture
def drawer_folder(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    return tmp_path


@pytest.fixture
def here(drawer_folder):
    return make_people()


def test_people_come_back_with_the_same_keys(here):
    assert people() == here


def test_keys_are_made_in_a_blink(drawer_folder):
    before = time.process_time()
    make_people()

    assert time.process_time() - before < 2


def test_customers_hold_what_the_story_says(here):
    held = {who.value: [secret.key.technology.value for secret in here[who].secrets] for who in here.by_name}

    assert held == {
        "support": ["smime", "openpgp"],
        "legal": ["smime", "openpgp"],
        "carol": ["smime"],
        "dave": ["openpgp"],
        "erin": [],
        "frank": ["smime", "openpgp"],
        "mallory": ["smime", "openpgp"],
        "mallory as carol": ["smime"],
        "frank with an expired certificate": ["smime"],
        "support before the move": ["smime"],
    }


def test_only_franks_old_certificate_has_ended(here):
    ended = [who for who in Who for key in here[who].keys if problems(key, Purpose.SIGN, now())]

    assert ended == [Who.FRANKS_OLD_TABLET]


def test_no_mail_holds_filler(here):
    texts = [mail.text for mail in (*FIRST_MAILS, *FOLLOW_UPS)] + list(ANSWERS.values())

    assert [text for text in texts if re.search(r"lorem|ipsum|foo|test", text.lower())] == []
    assert len({mail.name for mail in (*FIRST_MAILS, *FOLLOW_UPS)}) == 15


def test_what_cannot_be_sealed_is_refused_with_the_reason(here):
    erin = here[Who.ERIN]
    draft = Draft(from_=(Mailbox(erin.name, erin.address),), to=(Mailbox("", here[Who.LEGAL].address),), date=now())

    with pytest.raises(DemoError, match=r"There is no private key with a PGP key for erin@shop\.example"):
        write(draft, erin, here, sign=True, encrypt=True, technology=Technology.OPENPGP)


@pytest.mark.parametrize(
    ("who", "content_type"),
    [
        (Who.CAROL, b"application/pkcs7-mime"),
        (Who.DAVE, b"multipart/encrypted"),
        (Who.FRANK, b"application/pkcs7-mime"),
    ],
)
def test_customers_seal_by_what_they_have_keys_for(here, who, content_type):
    author = here[who]
    draft = Draft(from_=(Mailbox(author.name, author.address),), to=(Mailbox("", here[Who.SUPPORT].address),))

    raw = write(draft, author, here, sign=True, encrypt=True)

    assert raw.partition(b"\nContent-Type: ")[2].partition(b";")[0] == content_type


def test_only_customers_have_an_inbox(here):
    deliver(b"for both", ["Carol@Bank.example", "stranger@elsewhere.example", "../../etc/passwd"])
    deliver(b"for her", ["carol@bank.example"])

    assert list(post.received("carol@bank.example")) == [b"for both", b"for her"]
    assert list(post.received("stranger@elsewhere.example")) == []


def test_every_object_of_the_document_is_where_its_table_says():
    document = agreement_pdf()
    start = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    offsets = [int(found) for found in re.findall(rb"(\d{10}) 00000 n", document)]

    assert document[start : start + 4] == b"xref"
    assert [document[offset:].startswith(b"%d 0 obj" % number) for number, offset in enumerate(offsets, 1)] == [
        True
    ] * 4
