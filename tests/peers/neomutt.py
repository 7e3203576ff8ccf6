"""A customer who reads his mail with NeoMutt: it decrypts, checks signatures and restores protected headers itself."""

import fcntl
import os
import pty
import signal
import struct
import termios
from pathlib import Path

from tests.peers.gpg import GnuPG
from tests.peers.programs import PeerError, program, short_folder, wait_until

# NeoMutt runs on a terminal only, so it gets one; what it would show there goes through a pager that keeps it.
SETTINGS = """
set crypt_use_gpgme=yes crypt_protected_headers_read=yes charset=utf-8
set copy=no move=no confirm_append=no mark_old=no wait_key=no
ignore *
unignore from subject date
set pager="sh {folder}/keep"
"""
KEEP = """cp "$1" {folder}/part && mv {folder}/part {folder}/shown\n"""
SCREEN = struct.pack("HHHH", 50, 160, 0, 0)


def shown_by_neomutt(raw: bytes, reader: GnuPG, *, timeout_seconds: float = 20) -> str:
    """The mail as NeoMutt shows it to somebody with this key ring: headers, what it says of the sealing, the words."""
    with short_folder("mutt") as folder:
        (folder / "mbox").write_bytes(b"From desk Mon Jan  1 00:00:00 2024\n" + raw.replace(b"\r\n", b"\n") + b"\n")
        (folder / "rc").write_text(SETTINGS.format(folder=folder))
        (folder / "Mail").mkdir()  # else it asks whether to make it
        (folder / "keep").write_text(KEEP.format(folder=folder))
        process, terminal = _start(folder, reader)
        try:
            wait_until((folder / "shown").exists, timeout_seconds=timeout_seconds, what="NeoMutt to show the mail")
            return (folder / "shown").read_text(encoding="utf-8", errors="replace")
        except PeerError as error:
            raise PeerError(f"{error}: {_said(terminal)!r}") from None
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(terminal)


def _start(folder: Path, reader: GnuPG) -> tuple[int, int]:
    neomutt = program("neomutt")
    command = [neomutt, "-n", "-F", str(folder / "rc"), "-f", str(folder / "mbox"), "-e", "push <display-message>"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GNUPGHOME": str(reader.home),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, SCREEN)
        os.execve(neomutt, command, environment)  # noqa: S606 -- a fixed program on a terminal of its own
    return process, terminal


def _said(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
