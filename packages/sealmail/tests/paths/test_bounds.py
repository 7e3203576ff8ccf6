"""What ends the search for a path."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from sealmail.keys import Key, KeyId, MemoryKeyStore
from sealmail.policy import Budget, Policy
from sealmail.testing import CA

from .conftest import ADDRESS, certificate, judged, lone


def test_search_through_cas_that_certify_each_other_ends_at_the_budget(root: CA) -> None:
    """Eight CAs, each certified by every other one: more than ten thousand ways, and none leads to the root."""
    privates = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    crowd = [lone(f"Member {number}", private) for number, private in enumerate(privates)]
    certificates = [
        certificate(issuer, f"Member {number}", private.public_key())
        for number, private in enumerate(privates)
        for issuer in crowd
        if issuer is not crowd[number]
    ]
    store = CountingKeyStore()

    facts = judged(crowd[0].issue(ADDRESS).key, root, included=certificates, keys=store)

    assert (facts.chain, facts.findings) == ((), frozenset())
    assert store.questions <= 2 * Budget().certificates


class CountingKeyStore(MemoryKeyStore):
    """Counts how often it is asked for certificates."""

    questions = 0

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        self.questions += 1
        return super().keys(ids)


def test_path_longer_than_the_budget_is_not_found(root: CA) -> None:
    last, between = root, []
    for number in range(4):
        last = last.intermediate(f"Step {number}")
        between.append(last.certificate)
    leaf = last.issue(ADDRESS).key

    assert len(judged(leaf, root, included=between).chain) == 6
    assert judged(leaf, root, included=between, policy=Policy(budget=Budget(path_length=5))).chain == ()
