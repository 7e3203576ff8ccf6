"""What the matrix asks of a program for OpenPGP, and what such a program says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a program says about signatures: the primary keys whose signatures are good, and gpg's status lines."""

    good_signers: tuple[str, ...]
    bad: bool
    is_signed: bool
    """Whether the program met a signature at all."""
    status: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """What came out of a message, and what is said about the signatures inside it."""

    plain: bytes
    signatures: Checked

    @property
    def good_signers(self) -> tuple[str, ...]:
        """The fingerprints of the primary keys whose signatures are good."""
        return self.signatures.good_signers


class PGPProgram(Protocol):
    """One person's keys in a program for OpenPGP. Others are named by address or fingerprint; what fails raises
    PeerError."""

    def sign_detached(self, data: bytes, *, passphrase: str = "", digest: str = "SHA256") -> bytes:
        """An armored detached signature."""

    def clearsign(self, data: bytes, *, passphrase: str = "") -> bytes:
        """A text with its signature around it."""

    def encrypt(
        self,
        data: bytes,
        recipients: Sequence[str],
        *,
        sign: bool = False,
        passphrase: str = "",
        options: Sequence[str] = (),
    ) -> bytes:
        """An armored message, signed inside where asked. `options` are those of the program's command."""

    def decrypt(self, data: bytes) -> Decrypted:
        """Opens a message; a bad signature inside is said, not raised."""

    def verify(self, signature: bytes, data: bytes) -> Checked:
        """Checks a detached signature."""

    def read_clearsigned(self, text: bytes) -> Decrypted:
        """The words of a text that carries its signature around it, and what is said of that."""
