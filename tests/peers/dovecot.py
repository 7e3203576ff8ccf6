"""Dovecot on loopback: takes mail by LMTP, hands it out by IMAP, one mailbox for every address it hears of."""

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.peers.programs import LOOPBACK, PeerError, Server, free_ports, program, short_folder, started, wait_until

PASSWORD = "correct-horse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Where the server's TLS certificate and its key lie, both PEM."""

    certificate: Path
    key: Path


class Dovecot:
    """A mail store of its own in a temporary folder. A user's name is his whole address; all have one password.

    Plain IMAP always; IMAPS too where a certificate is given. Use it as a context manager.
    """

    host = LOOPBACK
    password = PASSWORD

    def __init__(self, *, tls: Certificate | None = None) -> None:
        self._tls = tls
        self._stack = contextlib.ExitStack()
        self.imap_port = self.lmtp_port = self.imaps_port = 0

    def __enter__(self) -> Self:
        with self._stack:
            # The mail is written by another user where the tests run as root.
            self.folder = self._stack.enter_context(short_folder("imap", mode=0o755))
            server = started(self._start)
            self._stack.callback(server.stop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def messages(self, user: str) -> list[bytes]:
        """Every mail in the user's inbox, oldest first, as IMAP hands it out (line ends are CRLF)."""
        with self._inbox(user) as inbox:
            _, found = inbox.search(None, "ALL")
            return [_body(inbox.fetch(number.decode(), "(BODY.PEEK[])")[1]) for number in found[0].split()]

    def count(self, user: str) -> int:
        """How many mails the user's inbox holds."""
        with self._inbox(user) as inbox:
            return len(inbox.search(None, "ALL")[1][0].split())

    def wait_for(self, user: str, count: int = 1, timeout_seconds: float = 20) -> list[bytes]:
        """The user's mails as soon as there are so many of them."""
        what = f"{count} mails for {user}"
        wait_until(lambda: self.count(user) >= count, timeout_seconds=timeout_seconds, what=what)
        return self.messages(user)

    def empty(self, user: str) -> None:
        """Removes every mail from the user's inbox."""
        with self._inbox(user) as inbox:
            inbox.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
            inbox.expunge()

    def log(self) -> str:
        """What the server wrote into its log."""
        return (self.folder / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def _inbox(self, user: str) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4(self.host, self.imap_port, timeout=30) as connection:
            connection.login(user, self.password)
            connection.select("INBOX")
            yield connection

    def _start(self) -> Server:
        self.imap_port, self.lmtp_port, imaps_port = free_ports(3)
        self.imaps_port = imaps_port if self._tls else 0
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(self._configuration())
        _check_version()
        server = Server([program("dovecot"), "-F", "-c", str(configuration)], log=self.folder / "log")
        try:
            server.wait_for_greetings({self.imap_port: b"* OK", self.lmtp_port: b"220 "})
        except PeerError:
            server.stop()
            raise
        return server

    def _configuration(self) -> str:
        owner = _Owner.of_this_machine()
        mailboxes = self.folder / "mail"
        mailboxes.mkdir(exist_ok=True)
        shutil.chown(mailboxes, owner.mail_user, owner.mail_group)
        return f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
protocols = imap lmtp
listen = {LOOPBACK}
{self._tls_configuration()}
disable_plaintext_auth = no
auth_mechanisms = plain login
{owner.configuration()}
mail_location = maildir:~/Maildir
mail_fsync = never
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid={owner.mail_user} gid={owner.mail_group} home={mailboxes}/%Lu allow_all_users=yes
}}
service anvil {{
  {owner.chroot()}
}}
service imap-login {{
  {owner.chroot()}
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp_port}
  }}
}}
"""

    def _tls_configuration(self) -> str:
        if self._tls is None:
            return "ssl = no"
        return f"ssl = yes\nssl_cert = <{self._tls.certificate}\nssl_key = <{self._tls.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Which users Dovecot's processes run as: its own where root starts it, else the one who runs the tests."""

    privileged: bool
    mail_user: str
    mail_group: str

    @classmethod
    def of_this_machine(cls) -> "_Owner":
        if os.geteuid() == 0:  # Dovecot never reads or writes mail as root.
            return cls(privileged=True, mail_user="nobody", mail_group="nogroup")
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        return cls(privileged=False, mail_user=user, mail_group=group)

    def configuration(self) -> str:
        if self.privileged:
            return "first_valid_uid = 1"
        names = f"default_internal_user = {self.mail_user}\ndefault_login_user = {self.mail_user}\n"
        return f"{names}default_internal_group = {self.mail_group}\nfirst_valid_uid = 1\nfirst_valid_gid = 1"

    def chroot(self) -> str:
        """Only root can lock a process into a folder."""
        return "" if self.privileged else "chroot ="


def _check_version() -> None:
    said = subprocess.run([program("dovecot"), "--version"], capture_output=True, text=True, check=True).stdout
    if not said.startswith("2.3."):
        raise PeerError(f"these tests configure Dovecot 2.3; this is {said.strip()}, whose settings have other names")


def _body(answer: Sequence[bytes | tuple[bytes, bytes] | None]) -> bytes:
    return next(part[1] for part in answer if isinstance(part, tuple))


def imap_over_tls(dovecot: Dovecot, trusted: Path, user: str) -> imaplib.IMAP4_SSL:
    """A signed-in connection by IMAPS that checks the server's certificate against the given CA."""
    context = ssl.create_default_context(cafile=str(trusted))
    connection = imaplib.IMAP4_SSL(dovecot.host, dovecot.imaps_port, ssl_context=context, timeout=30)
    connection.login(user, dovecot.password)
    return connection
