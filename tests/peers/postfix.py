"""Postfix on loopback: takes mail by SMTP and hands the test domains' mail to Dovecot by LMTP."""

import contextlib
import json
import os
import shutil
import smtplib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.peers.programs import (
    LOOPBACK,
    PeerError,
    Server,
    free_ports,
    program,
    short_folder,
    started,
    wait_until,
)

SERVICES = """
{host}:{port} inet n - n - - smtpd
cleanup  unix       n - n - 0 cleanup
qmgr     unix       n - n 300 1 qmgr
rewrite  unix       - - n - - trivial-rewrite
bounce   unix       - - n - 0 bounce
defer    unix       - - n - 0 bounce
trace    unix       - - n - 0 bounce
verify   unix       - - n - 1 verify
flush    unix       n - n 1000? 0 flush
proxymap unix       - - n - - proxymap
showq    unix       n - n - - showq
error    unix       - - n - - error
retry    unix       - - n - - error
lmtp     unix       - - n - - lmtp
anvil    unix       - - n - 1 anvil
scache   unix       - - n - 1 scache
postlog  unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A mail that waits in the queue: for whom, and why it is still there."""

    queue_id: str
    sender: str
    recipients: tuple[str, ...]
    reasons: tuple[str, ...]


class Postfix:
    """A mail server of its own: its configuration, queue and log lie in a temporary folder. Needs root.

    Mail for other domains is refused while it is handed in, so nothing ever leaves the machine. What Dovecot
    refuses for good comes back to its sender as a bounce. Use it as a context manager.
    """

    host = LOOPBACK

    def __init__(self, *, domains: Sequence[str], lmtp_port: int) -> None:
        self._domains = tuple(domains)
        self._lmtp_port = lmtp_port
        self._stack = contextlib.ExitStack()
        self.smtp_port = 0

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise PeerError("Postfix drops privileges by itself and can only be started by root")
        with self._stack:
            self.folder = self._stack.enter_context(short_folder("smtp", mode=0o755))
            self._make_folders()
            server = started(self._start)
            self._stack.callback(server.stop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, raw: bytes, sender: str, recipients: Sequence[str]) -> None:
        """Hands in a mail; raises smtplib's errors where the server refuses it. Line ends must be CRLF."""
        with smtplib.SMTP(self.host, self.smtp_port, timeout=60) as connection:
            connection.sendmail(sender, list(recipients), raw, mail_options=["BODY=8BITMIME"])

    def queue(self) -> list[Queued]:
        """The mails that are neither delivered nor given back yet."""
        said = self._run("postqueue", "-c", str(self.folder / "conf"), "-j")
        return [_queued(json.loads(line)) for line in said.splitlines()]

    def flush(self) -> None:
        """Tries at once to deliver what waits."""
        self._run("postqueue", "-c", str(self.folder / "conf"), "-f")

    def wait_until_empty(self, timeout_seconds: float = 20) -> None:
        """Returns when no mail is left in the queue."""
        wait_until(lambda: not self.queue(), timeout_seconds=timeout_seconds, what="Postfix to empty its queue")

    def log(self) -> str:
        """What the server wrote into its log."""
        return (self.folder / "log").read_text(errors="replace")

    def _make_folders(self) -> None:
        for name in ("conf", "queue", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix", "postfix")

    def _start(self) -> Server:
        (self.smtp_port,) = free_ports(1)
        configuration = self.folder / "conf"
        _write(configuration / "main.cf", self._settings())
        _write(configuration / "master.cf", SERVICES.format(host=LOOPBACK, port=self.smtp_port))
        self._run("postfix", "-c", str(configuration), "check")  # makes the folders of the queue
        daemons = self._run("postconf", "-c", str(configuration), "-h", "daemon_directory").strip()
        # The `postfix start-fg` command would leave its master process behind when it is ended.
        server = Server([f"{daemons}/master", "-s", "-c", str(configuration)], log=self.folder / "log")
        try:
            server.wait_for_greetings({self.smtp_port: b"220 "})
        except PeerError:
            server.stop()
            raise
        return server

    def _settings(self) -> str:
        return f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
myhostname = mx.sealdesk.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = {LOOPBACK}
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_recipient_maps =
relay_domains = {" ".join(self._domains)}
relay_transport = lmtp:inet:{LOOPBACK}:{self._lmtp_port}
default_transport = error:5.1.2 this server knows the domains of the tests only
local_transport = error:5.1.1 this server has no mailboxes of its own
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_timeout = 30s
lmtp_connect_timeout = 5s
queue_run_delay = 5s
minimal_backoff_time = 5s
maximal_backoff_time = 10s
message_size_limit = 104857600
mailbox_size_limit = 0
local_header_rewrite_clients =
disable_mime_output_conversion = yes
lmtp_line_length_limit = 0
"""

    def _run(self, name: str, *arguments: str) -> str:
        done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"{name} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    # Postfix waits until a file has been left alone for two seconds before it reads it.
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def _queued(entry: dict[str, object]) -> Queued:
    recipients = entry["recipients"]
    if not isinstance(recipients, list):
        raise PeerError(f"a queue entry without recipients: {entry}")
    return Queued(
        queue_id=str(entry["queue_id"]),
        sender=str(entry["sender"]),
        recipients=tuple(each["address"] for each in recipients),
        reasons=tuple(each["delay_reason"] for each in recipients if "delay_reason" in each),
    )
