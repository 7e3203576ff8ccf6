"""What revocation lists (RFC 5280 §5) and OCSP answers (RFC 6960) say about one certificate at one time.

Fetches nothing, and knows no time but the one it is asked for. Called by `paths`, for each certificate of a path.
What counts when sources disagree is decided in `deciding`, and explained in docs/decisions/0019.
"""

from sealmail.revocation.deciding import RevocationStatus, findings_of, worst
from sealmail.revocation.inquiry import Inquiry

__all__ = ["Inquiry", "RevocationStatus", "findings_of", "worst"]
