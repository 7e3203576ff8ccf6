"""The words of the demo: what customers wrote before somebody looks at the desk, and what Alice answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from sealdesk.demo.files import JOURNAL, OPENING_HOURS, agreement_pdf
from sealdesk.demo.people import LEGAL, SUPPORT, Who
from sealmail.keys import Technology
from sealmail.mime import DraftAttachment

SMIME, OPENPGP = Technology.SMIME, Technology.OPENPGP


class Mishap(Enum):
    """What befell a mail on its way, or before."""

    NONE = auto()
    CHANGED = auto()
    """Somebody changed a number after it was signed."""
    CUT_OFF = auto()
    """Its second half is missing."""
    WRONG_KEY = auto()
    """It was encrypted for a certificate whose private key nobody has any more."""
    SIGNED_LONG_AGO = auto()
    """It was signed while a certificate was valid, and came after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMail:
    """A mail of a customer."""

    name: str
    author: Who
    to: str = SUPPORT
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    technology: Technology | None = None
    sign: bool = False
    encrypt: bool = False
    attachments: tuple[DraftAttachment, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    mishap: Mishap = Mishap.NONE
    answers: str | None = None
    """The name of the mail whose answer it follows."""


FIRST_MAILS = (
    DemoMail(
        name="maintenance",
        author=Who.CAROL,
        subject="Maintenance window for the branch terminals",
        text=(
            "Good morning,\n\nthe terminals in our Harbour Street branch get their new card readers on Thursday,\n"
            "between six and eight in the morning. Please keep your monitoring quiet for that time.\n\n"
            "Kind regards\nCarol Conti\nHarbour Savings Bank\n"
        ),
        technology=SMIME,
        sign=True,
    ),
    DemoMail(
        name="locked-out",
        author=Who.CAROL,
        subject="Locked out of the payments portal",
        text=(
            'Hello,\n\nsince this morning the payments portal refuses my token: "device unknown". Two colleagues on\n'
            "the same floor see the same. The salary run for 312 employees has to leave before four o'clock.\n\n"
            "Serial number of my token: HS-20418-77.\n\nCarol Conti\nHarbour Savings Bank\n"
        ),
        technology=SMIME,
        sign=True,
        encrypt=True,
    ),
    DemoMail(
        name="settlement",
        author=Who.DAVE,
        to=LEGAL,
        subject="Draft settlement in the Hartmann matter",
        text=(
            "Dear colleagues,\n\nthe other side now offers 48,500 euros if we close before Friday. My advice is to\n"
            "accept, provided that the confidentiality clause stays as it is. Please call me before you decide,\n"
            "and do not forward this.\n\nDave Dörfler\nDörfler & Stein, attorneys at law\n"
        ),
        technology=OPENPGP,
        sign=True,
        encrypt=True,
    ),
    DemoMail(
        name="attorney",
        author=Who.DAVE,
        subject="Power of attorney is in the post",
        text=(
            "Hello,\n\nthe notarised original left our office today by registered mail. You may archive the scan\n"
            "that I sent last week; nothing in it has changed.\n\nDave Dörfler\n"
        ),
        technology=OPENPGP,
        sign=True,
    ),
    DemoMail(
        name="retainer",
        author=Who.DAVE,
        subject="Short question about our retainer",
        text=(
            "Hello,\n\nwritten from the train, so without my signature card: does the retainer cover the appeal as\n"
            "well, or do we need a supplement? The deadline runs until the nineteenth.\n\nDave\n"
        ),
        technology=OPENPGP,
        encrypt=True,
    ),
    DemoMail(
        name="printer",
        author=Who.ERIN,
        subject="Label printer prints everything twice",
        text=(
            "Hi there,\n\nafter the weekend our label printer spits out every parcel label twice. Restarting did not\n"
            "help. The queue shows only one job each time. What can we try?\n\nThanks!\nErin, warehouse\n"
        ),
    ),
    DemoMail(
        name="newsletter",
        author=Who.ERIN,
        subject="Autumn catalogue: wool blankets and storm lanterns",
        text="Our autumn catalogue has arrived. Wool blankets from 39 euros, storm lanterns from 24 euros.\n",
        html=(
            '<div style="font-family: Georgia, serif; max-width: 34em"><h1 style="color: #7a3b12">Autumn catalogue</h1>'
            '<p><img src="https://pictures.shop.example/lantern.jpg?reader=4711" alt="A storm lantern" width="320"></p>'
            "<p>Wool blankets from <b>39 euros</b>, storm lanterns from <b>24 euros</b>.</p>"
            '<p><a href="https://shop.example/catalogue">Browse the whole catalogue</a></p></div>'
        ),
        extra=(("List-Unsubscribe", "<mailto:leave@shop.example>"), ("Precedence", "bulk")),
    ),
    DemoMail(
        name="forged",
        author=Who.FORGER,
        subject="Our bank account has changed",
        text=(
            "Hello,\n\nplease note that we have moved our business account. From today settle all open invoices to\n"
            "the new account only, the old one will be closed. This is urgent.\n\nCarol Conti\nHarbour Savings Bank\n"
        ),
        technology=SMIME,
        sign=True,
    ),
    DemoMail(
        name="licences",
        author=Who.FRANK,
        subject="Order of tablet licences for ward three",
        text=(
            "Good afternoon,\n\nplease send us 20 licences for the tablets of ward three, on the usual framework\n"
            "contract.\n\nFrank Fuchs\nSt. Anne's Clinic, purchasing\n"
        ),
        technology=OPENPGP,
        sign=True,
        mishap=Mishap.CHANGED,
    ),
    DemoMail(
        name="reminders",
        author=Who.FRANKS_OLD_TABLET,
        subject="Appointment reminders arrive a day late",
        text=(
            "Hello,\n\npatients tell us that the reminder reaches them a day after their appointment. It began with\n"
            "the change from summer time.\n\nFrank Fuchs\nSt. Anne's Clinic\n"
        ),
        technology=SMIME,
        sign=True,
        mishap=Mishap.SIGNED_LONG_AGO,
    ),
    DemoMail(
        name="referrals",
        author=Who.FRANK,
        subject="Referral list, confidential",
        text="The referral list that you asked for: eleven patients of Doctor Okafor, sorted by ward.\n",
        technology=SMIME,
        encrypt=True,
        mishap=Mishap.WRONG_KEY,
    ),
    DemoMail(
        name="deposition",
        author=Who.DAVE,
        subject="Transcript of the deposition",
        text="Attached to this mail is the transcript. Page seven matters most: the witness remembers the lantern.\n",
        technology=OPENPGP,
        sign=True,
        encrypt=True,
        mishap=Mishap.CUT_OFF,
    ),
    DemoMail(
        name="laboratory",
        author=Who.FRANK,
        subject="Laboratory export lacks a column",
        text=(
            "Good morning,\n\nthe nightly export of laboratory values has lost its column for the reference range,\n"
            "see the journal attached. The opening hours for your technician are attached, too.\n\n"
            "Frank Fuchs\nSt. Anne's Clinic\n"
        ),
        technology=OPENPGP,
        sign=True,
        encrypt=True,
        attachments=(
            DraftAttachment("export-journal.txt", "text/plain; charset=utf-8", JOURNAL.encode()),
            DraftAttachment("opening-hours.csv", "text/csv; charset=utf-8", OPENING_HOURS.encode()),
        ),
    ),
    DemoMail(
        name="agreement",
        author=Who.CAROL,
        to=LEGAL,
        subject="Data processing agreement, signed copy",
        text=(
            "Dear legal team,\n\nattached is our countersigned copy of the data processing agreement. Annex two now\n"
            "names the computing centre in Antwerp.\n\nCarol Conti\nHarbour Savings Bank\n"
        ),
        technology=SMIME,
        sign=True,
        encrypt=True,
        attachments=(DraftAttachment("agreement-countersigned.pdf", "application/pdf", agreement_pdf()),),
    ),
)

ANSWERS = {
    "locked-out": (
        "Hello Carol,\n\nyour token was locked after the firmware update last night; we have released it and those\n"
        "of your two colleagues. Please unplug it once and try again.\n\nAlice Abel\n"
    ),
    "attorney": "Hello Dave,\n\nthank you, the original has arrived and the scan is archived.\n\nAlice Abel\n",
}
"""By the name of the mail that is answered. Alice answers, signed and encrypted, and it is delivered."""

FOLLOW_UPS = (
    DemoMail(
        name="token-works",
        author=Who.CAROL,
        subject="Re: Locked out of the payments portal",
        text="Works again for all three of us, and the salary run left in time. Thank you, Alice!\n\nCarol\n",
        technology=SMIME,
        sign=True,
        encrypt=True,
        answers="locked-out",
    ),
)
