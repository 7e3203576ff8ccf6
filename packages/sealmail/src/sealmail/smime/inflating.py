"""Takes the compression off (compressed-data, RFC 3274): neither encryption nor signature, only fewer bytes.

The limit holds while inflating, so that a small message cannot become a large one in memory. Called by `opening`.
"""

from __future__ import annotations

import zlib

from sealmail.ber import Malformed
from sealmail.errors import InputError, LimitExceeded
from sealmail.smime import cms
from sealmail.smime.algorithms import ZLIB

_TAKEN = 64 * 1024
_GIVEN = 1024 * 1024


def inflate(message: bytes, limit: int) -> bytes:
    """The content of compressed data: a MIME entity, or CMS.

    Raises LimitExceeded where it is larger than `limit` (in bytes), InputError for everything that cannot be read.
    """
    compressed = cms.compressed_data(cms.content_of(message, cms.COMPRESSED_DATA)[1])
    if compressed.algorithm.oid != ZLIB:
        raise InputError("The compression is not known.")
    content = cms.as_mail(compressed.content_type, _inflated(compressed.content.octets(), limit))
    if content is None:
        raise InputError("The compressed content is no mail.")
    return content


def _inflated(packed: bytes, limit: int) -> bytes:
    """In small steps: what the library has not yet used of one step is copied for the next."""
    stream, found = zlib.decompressobj(), bytearray()
    try:
        for start in range(0, len(packed), _TAKEN):
            waiting = packed[start : start + _TAKEN]
            while waiting and not stream.eof:
                found += stream.decompress(waiting, _GIVEN)
                waiting = stream.unconsumed_tail
                if len(found) > limit:
                    raise LimitExceeded("The compressed content is too large.")
            if stream.eof:
                break
        found += stream.flush(_GIVEN)
    except zlib.error:
        raise Malformed("The compressed content is broken.") from None
    if not stream.eof or stream.unused_data:
        raise Malformed("The compressed content is broken.")
    return bytes(found)
