"""The desk's pages as an administrator and an agent use them in the browser."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.peers.mail import File

PASSWORD = "a long word for the tests"
SETTLES = """form => {
  form.dataset.settled = "no";
  form.addEventListener("htmx:afterSettle", () => { form.dataset.settled = "yes"; }, { once: true });
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServers:
    """Where the desk fetches its mail and hands it out."""

    host: str
    imap_port: int
    imap_password: str
    smtp_port: int


class Visitor:
    """Somebody with a browser, who has an account at the desk."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def sign_in(self, email: str) -> None:
        """Signs in with the password that everybody has here."""
        self.go("/accounts/login/")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("link", name="New ticket")).to_be_visible()

    def go(self, path: str) -> None:
        """Opens a page of the desk."""
        self.page.goto(self.address + path)

    def picture(self, folder: Path, name: str) -> None:
        """The whole page, for people who look at a test that failed."""
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


class Administrator(Visitor):
    """Prepares the desk by its pages."""

    def adds_group(self, name: str, address: str) -> None:
        """A group with its sender address."""
        self.go("/admin/groups/")
        form = self._form("Add Group")
        form.get_by_label("Name").fill(name)
        form.get_by_label("Sender addresses").fill(address)
        self._submit(form, "Add Group")
        expect(self.page.get_by_role("cell", name=address)).to_be_visible()

    def adds_agent(self, email: str, name: str, group: str) -> None:
        """An agent of one group."""
        self.go("/admin/agents/")
        form = self._form("Add Agent")
        form.get_by_label("E-mail address").fill(email)
        form.get_by_label("Name", exact=True).fill(name)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_label(group).check()
        self._submit(form, "Add Agent")
        expect(self.page.get_by_role("cell", name=email)).to_be_visible()

    def adds_channels(self, servers: MailServers, user: str) -> None:
        """Mail comes in by IMAP and leaves by SMTP."""
        incoming = {"Name": "In", "Host": servers.host, "Port": str(servers.imap_port), "Username": user}
        self._adds_channel("imap", {**incoming, "Password": servers.imap_password})
        self._adds_channel("smtp", {"Name": "Out", "Host": servers.host, "Port": str(servers.smtp_port)})

    def adds_authority(self, certificate: bytes) -> None:
        """A CA certificate that vouches for everybody."""
        self.go("/admin/smime/")
        form = self._form("Add Certificate")
        form.get_by_label("It vouches for everybody").check()
        self._upload(form, certificate, "authority.pem")
        self._submit(form, "Add Certificate")
        self._added()

    def adds_private_key(self, material: bytes, passphrase: str) -> None:
        """Our own key for S/MIME, protected, with its certificate."""
        self.go("/admin/smime/")
        form = self._form("Add Private Key")
        self._upload(form, material, "desk.p12")
        form.get_by_label("Passphrase").fill(passphrase)
        self._submit(form, "Add Private Key")
        self._added()

    def pastes_pgp_key(self, armored: bytes, passphrase: str = "") -> None:
        """A key of OpenPGP, ours or a customer's."""
        self.go("/admin/pgp/")
        form = self._form("Add Key")
        form.get_by_label("Or paste it").fill(armored.decode())
        form.get_by_label("Passphrase").fill(passphrase)
        self._submit(form, "Add Key")
        self._added()

    def _adds_channel(self, kind: str, fields: dict[str, str]) -> None:
        self.go("/admin/channels/")
        form = self._form("Add Channel")
        for label, value in fields.items():
            form.get_by_label(label, exact=True).fill(value)
        form.get_by_label("Kind").select_option(kind)
        form.get_by_label("Encryption").select_option("none")
        self._submit(form, "Add Channel")
        expect(self.page.get_by_role("cell", name=fields["Name"], exact=True)).to_be_visible()

    def _upload(self, form: Locator, content: bytes, name: str) -> None:
        file = File(name=name, type="application/octet-stream", content=content)
        form.get_by_label("File", exact=True).set_input_files(_payload(file))

    def _form(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title).locator("form")

    def _submit(self, form: Locator, button: str) -> None:
        form.get_by_role("button", name=button).click()

    def _added(self) -> None:
        expect(self.page.locator(".messages")).to_be_visible()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows of an incoming mail."""

    encryption: str
    signature: str
    statements: tuple[str, ...]
    text: str
    files: tuple[str, ...]
    is_green: bool
    """Whether anything in its badge has the colour of a good signature."""


class AgentAtWork(Visitor):
    """Reads and answers tickets."""

    def opens(self, ticket: int) -> None:
        """The page of a ticket."""
        self.go(f"/tickets/{ticket}/")

    def sees(self, article: str) -> Shown:
        """An article of the open ticket."""
        card = self._article(article)
        badge = card.locator("summary.seal-glyphs .glyph")
        evidence = card.locator(".evidence .statement strong")
        return Shown(
            encryption=badge.nth(0).inner_text(),
            signature=badge.nth(1).inner_text(),
            statements=tuple(text.rstrip(".") for text in evidence.all_text_contents()),
            text=card.locator(".words").first.text_content() or "",
            files=tuple(card.locator(".files .file span:first-of-type").all_inner_texts()),
            is_green=card.locator(".seal .tone-green").count() > 0,
        )

    def downloads(self, article: str, name: str) -> bytes:
        """A file of an article."""
        with self.page.expect_download() as waiting:
            self._article(article).locator(".files .file", has_text=name).click()
        return Path(waiting.value.path()).read_bytes()

    def articles(self) -> list[str]:
        """Kinds of the articles of the open ticket, in order."""
        return [str(each.get_attribute("aria-label")) for each in self.page.locator(".conversation article").all()]

    def starts_reply(self) -> "Composer":
        """Opens the composer below the ticket."""
        self.page.locator("details[data-composer-dock] > summary").click()
        return Composer(self.page)

    def deliveries(self) -> list[str]:
        """The lines below the last mail of ours: recipient, how it was sealed, its state."""
        lines = self.page.locator("article.article-outgoing").last.locator(".deliveries li")
        said = [" ".join(line.locator(".address, .glyph, .state").all_inner_texts()) for line in lines.all()]
        return [" ".join(line.split()) for line in said]

    def _article(self, article: str) -> Locator:
        return self.page.locator(f"#article-{article}")


class Composer:
    """The form in which an agent answers."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._form = page.get_by_role("form", name="Reply")

    def writes(self, text: str, *, to: str = "", cc: str = "") -> None:
        """Fills in; without `to` the recipient stays whom the desk chose."""
        if to:
            self._typed("To", to)
        if cc:
            self._typed("Cc", cc)
        self._form.get_by_label("Text").fill(text)

    def removes_cc(self) -> None:
        """Leaves everybody in Cc out."""
        self._typed("Cc", "")

    def attaches(self, file: File) -> None:
        """Adds a file."""
        self._form.locator("input[type=file]").set_input_files(_payload(file))

    def chooses(self, name: str, *, on: bool) -> None:
        """Presses a button where it does not stand so already."""
        if self._toggle(name).is_checked() is not on:
            self._press(name)
        expect(self._toggle(name)).to_be_checked(checked=on)

    def insists_on_encrypting(self) -> None:
        """Chooses Encrypt himself, which stays chosen whoever is added: off and on again."""
        self.chooses("Encrypt", on=False)
        self.chooses("Encrypt", on=True)

    def means_it_plain(self) -> None:
        """Confirms that an encrypted mail is answered with a readable one."""
        self._form.get_by_label("Send this answer readable").check()

    def preset(self) -> dict[str, bool]:
        """How the two buttons stand."""
        return {name: self._toggle(name).is_checked() for name in ("Encrypt", "Sign")}

    def possible(self) -> dict[str, bool]:
        """Whether the two buttons can be pressed."""
        return {name: self._toggle(name).is_enabled() for name in ("Encrypt", "Sign")}

    def says(self) -> str:
        """What stands below the buttons."""
        return self._form.locator(".sealing .summary").inner_text()

    def refusal(self) -> str:
        """Why the mail was not sent."""
        return self._form.locator(".notice[role=alert]").inner_text()

    def sends(self) -> None:
        """Presses Send."""
        with self._page.expect_navigation():
            self._form.get_by_role("button", name="Send", exact=True).click()

    def _press(self, name: str) -> None:
        with self._checked():
            self._toggle(name).click()

    def _toggle(self, name: str) -> Locator:
        return self._form.locator(f"#toggle-{name.lower()}")

    def _typed(self, label: str, text: str) -> None:
        with self._checked():
            self._form.get_by_label(label, exact=True).fill(text)

    @contextlib.contextmanager
    def _checked(self) -> Iterator[None]:
        """The desk says again how the mail would be sealed, and the page shows it."""
        self._form.evaluate(SETTLES)
        yield
        self._page.wait_for_selector("form[data-composer][data-settled=yes]")


def _payload(file: File) -> FilePayload:
    return {"name": file.name, "mimeType": file.type, "buffer": file.content}
