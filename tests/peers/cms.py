"""What every program for S/MIME does for its owner, whichever it is: openssl or gpgsm."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a program says about a signed message: whether it holds, what was signed, and by whom.

    The content and signer of a message that does not hold are given for the error message only.
    """

    ok: bool
    content: bytes
    signer_subject: str
    signer_addresses: tuple[str, ...]
    reason: str


class CMSProgram(Protocol):
    """One person's certificate and private key in a program for CMS. Messages are DER; what fails raises PeerError."""

    @property
    def certificate(self) -> Path:
        """The owner's certificate, PEM."""

    @property
    def authority(self) -> Path:
        """The certificate of the CA that the owner trusts, PEM."""

    def cms_sign(
        self, data: bytes, *, detached: bool = True, digest: str = "sha256", options: Sequence[str] = ()
    ) -> bytes:
        """A SignedData over exactly these bytes, with the signer's certificate in it."""

    def cms_encrypt(
        self, data: bytes, certificates: Sequence[Path], *, cipher: str = "-aes256", options: Sequence[str] = ()
    ) -> bytes:
        """An EnvelopedData, or an AuthEnvelopedData, for these certificates."""

    def cms_decrypt(self, data: bytes) -> bytes:
        """Opens an encrypted message with the owner's key."""

    def cms_verify(self, data: bytes, *, content: bytes | None = None, trusted: Path | None = None) -> Verified:
        """Checks a SignedData, detached where the content is given."""
