"""A desk on the net with its customers: everything that a story needs, prepared by the desk's own pages."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from tests.cast import ALICE, SUPPORT
from tests.e2e.browser import fresh_page
from tests.e2e.console import TakenIn
from tests.e2e.correspondents import PASSPHRASE, Correspondent, PGPPeople, SMIMEPeople
from tests.e2e.desk import Desk
from tests.e2e.pages import PASSWORD, Administrator, AgentAtWork, MailServers, Shown
from tests.e2e.way import Way
from tests.peers.dovecot import Dovecot
from tests.peers.mail import File, Letter
from tests.peers.programs import wait_until

ADMINISTRATOR = "root@desk.example"
INVOICE = File(name="invoice.pdf", type="application/pdf", content=b"%PDF-1.7\r\n\x00\xff\n")
TEXT = "Grüße aus Wien.\n\nPlease look at the invoice.\n.\n-- \nFrom here on we are sealed.\n"


@dataclass(slots=True, kw_only=True)
class Story:
    """Who takes part, and where."""

    desk: Desk
    way: Way
    dovecot: Dovecot
    smime: SMIMEPeople
    pgp: PGPPeople
    agent: AgentAtWork

    @property
    def carol(self) -> Correspondent:
        """Uses S/MIME."""
        return self.smime.carol

    @property
    def dave(self) -> Correspondent:
        """Uses PGP."""
        return self.pgp.dave

    def people(self, technology: str) -> Correspondent:
        """The customer who uses this technology."""
        return self.carol if technology == "smime" else self.dave

    def arrives(self, raw: bytes, sender: str) -> TakenIn:
        """Sends a mail to the desk and waits until it has become something there."""
        before = len(self.desk.console.taken_in())
        self.way.send(raw, sender, SUPPORT)
        (mail,) = self.desk.console.wait_for_mail(before + 1)[before:]
        return mail

    def shown(self, mail: TakenIn) -> Shown:
        """What the agent sees of it."""
        self.agent.opens(mail.ticket)
        return self.agent.sees(mail.article)

    def wait_until_sent(self, ticket: int, *, mails: int) -> None:
        """Returns when so many mails of ours in a ticket have left, with all their copies."""

        def gone() -> bool:
            time.sleep(0.1)
            states = self.desk.console.ask("outgoing", ticket=ticket)
            return len(states["mails"]) == mails and bool(states["copies"]) and {*states["copies"]} == {"sent"}

        wait_until(gone, timeout_seconds=20, what=f"{mails} mails to be sent")

    def received(self, address: str, count: int = 1) -> list[bytes]:
        """The customer's mails as they lie in his mailbox, which is empty afterwards."""
        mails = self.dovecot.wait_for(address, count)
        self.dovecot.empty(address)
        return mails


def letter(correspondent: Correspondent, subject: str, **more: object) -> Letter:
    """What a customer writes to the desk."""
    fields: dict[str, object] = {"text": TEXT, "attachments": [INVOICE], **more}
    return Letter(sender=correspondent.address, recipients=[SUPPORT], subject=subject, **fields)  # type: ignore[arg-type]  # as given


@contextlib.contextmanager
def told(*, way: Way, dovecot: Dovecot, smime: SMIMEPeople, pgp: PGPPeople, browser: Browser) -> Iterator[Story]:
    """The desk, prepared, with Alice signed in."""
    with Desk() as desk, fresh_page(browser) as page:
        _forget_old_mail(dovecot)
        with fresh_page(browser) as administration:
            prepare(desk, administration, way=way, dovecot=dovecot, smime=smime, pgp=pgp)
        alice = AgentAtWork(page, desk.address)
        alice.sign_in(ALICE.address)
        yield Story(desk=desk, way=way, dovecot=dovecot, smime=smime, pgp=pgp, agent=alice)


def prepare(desk: Desk, page: Page, *, way: Way, dovecot: Dovecot, smime: SMIMEPeople, pgp: PGPPeople) -> None:
    """Everything that an administrator does in the pages before the first mail comes."""
    desk.console.ask("create_administrator", email=ADMINISTRATOR, password=PASSWORD)
    administrator = Administrator(page, desk.address)
    administrator.sign_in(ADMINISTRATOR)
    administrator.adds_group("Support", SUPPORT)
    administrator.adds_agent(ALICE.address, ALICE.name, "Support")
    servers = MailServers(
        host=way.host, imap_port=dovecot.imap_port, imap_password=dovecot.password, smtp_port=way.port
    )
    administrator.adds_channels(servers, SUPPORT)
    administrator.adds_authority(smime.authority_certificate())
    administrator.adds_private_key(smime.desk_material(), PASSPHRASE)
    administrator.pastes_pgp_key(pgp.desk_secret, PASSPHRASE)
    administrator.pastes_pgp_key(pgp.dave_public + pgp.mallory_public)


def _forget_old_mail(dovecot: Dovecot) -> None:
    if dovecot.count(SUPPORT):  # of a story that was told before with the same server
        dovecot.empty(SUPPORT)
