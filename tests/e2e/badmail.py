"""Mails that no program should send, made so that each is known by what is wrong with it."""

import random
from collections.abc import Mapping

from tests.cast import ERIN, SUPPORT
from tests.e2e.correspondents import Correspondent
from tests.peers.gpg import GnuPG
from tests.peers.mail import File, Letter

HEADER = f"From: {ERIN.address}\r\nTo: {SUPPORT}\r\nSubject: Strange\r\n".encode()
BOMB_BYTES = 200_000_000


def truncated(customer: Correspondent) -> bytes:
    """A sealed mail that ends in the middle."""
    scan = File(name="scan.bin", type="application/octet-stream", content=random.Random(1).randbytes(20_000))  # noqa: S311 -- any bytes
    letter = Letter(sender=customer.address, recipients=[SUPPORT], subject="Cut", text="Cut\n", attachments=[scan])
    raw = customer.signs_and_encrypts(letter)
    return raw[: raw.rindex(b"\r\n", 0, len(raw) // 2) + 2]


def bomb(gpg: GnuPG) -> bytes:
    """A few hundred bytes that become two hundred million when they are opened."""
    text = b"Content-Type: text/plain\r\n\r\n" + bytes(BOMB_BYTES)
    letter = Letter(sender=ERIN.address, recipients=[SUPPORT], subject="Bomb", text="")
    message = gpg.encrypt(text, [SUPPORT], options=["--compress-algo", "bzip2", "--bzip2-compress-level", "9"])
    head = b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\r\n\r\n'
    version = b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    content = b"--b\r\nContent-Type: application/octet-stream\r\n\r\n" + message.replace(b"\n", b"\r\n")
    return letter.wrapped(head + version + content + b"--b--\r\n")


def of_parts(count: int) -> bytes:
    """A flat multipart."""
    parts = "".join(f"--b\r\nContent-Type: text/plain\r\n\r\npart {number}\r\n" for number in range(count))
    return HEADER + f"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n".encode()


def of_depth(depth: int) -> bytes:
    """A multipart in a multipart in a multipart, and so on."""
    opening = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth)
    )
    closing = "".join(f"--b{level}--\r\n" for level in reversed(range(depth)))
    return HEADER + f"MIME-Version: 1.0\r\n{opening}Content-Type: text/plain\r\n\r\ndeep\r\n{closing}".encode()


PLAIN: Mapping[str, bytes] = {
    "empty": b"",
    "nothing but a sender": HEADER + b"\r\n",
    "binary": random.Random(2).randbytes(50_000).replace(b"\n", b" ").replace(b"\r", b" ") + b"\r\n",  # noqa: S311 -- any bytes
    "binary below a header": HEADER
    + b"\r\n"
    + bytes(range(256)).replace(b"\n", b" ").replace(b"\r", b" ") * 100
    + b"\r\n",
    "no header": b"Hello,\r\n\r\nthis begins without a header.\r\n",
    "no sender": b"Subject: Who am I\r\n\r\nGuess.\r\n",
    "wrong charset": HEADER
    + b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\nGr\xfc\xdfe \xff\xfe\r\n',
    "unknown charset": HEADER
    + b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset="x-klingon"\r\n\r\nQapla\xb4\r\n',
    "1000 parts": of_parts(1000),
    "500 deep": of_depth(500),
}
"""By name: those for which no key is needed."""
