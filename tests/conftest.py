"""The real servers and customers, started once for a test process. Only tests marked e2e or sockets reach them."""

import os
from collections.abc import Iterator

import pytest

from tests.cast import DOMAINS
from tests.peers.dovecot import Dovecot
from tests.peers.gpg import GnuPGFactory
from tests.peers.openssl import KeyKind, TestCA
from tests.peers.postfix import Postfix

LOOPBACK = ["127.0.0.1", "::1"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests with servers may connect to loopback; every other test here may open no socket at all."""
    talks = item.get_closest_marker("e2e") or item.get_closest_marker("sockets")
    item.add_marker(pytest.mark.allow_hosts(LOOPBACK) if talks else pytest.mark.disable_socket)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """An IMAP and LMTP server with a mailbox for every address."""
    with Dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """An SMTP server that hands the cast's mail to Dovecot."""
    if os.geteuid() != 0:
        pytest.skip("Postfix drops privileges by itself and can only be started by root")
    with Postfix(domains=DOMAINS, lmtp_port=dovecot.lmtp_port) as server:
        yield server


@pytest.fixture(scope="session")
def gpg_factory() -> Iterator[GnuPGFactory]:
    """Makes customers with GnuPG."""
    with GnuPGFactory() as factory:
        yield factory


@pytest.fixture(scope="session")
def test_ca() -> Iterator[TestCA]:
    """The CA that the customers' certificates come from, with an RSA key."""
    with TestCA() as authority:
        yield authority


@pytest.fixture(scope="session")
def ec_ca() -> Iterator[TestCA]:
    """A CA with a key on P-256."""
    with TestCA(name="Test CA on a curve", kind=KeyKind.EC_P256) as authority:
        yield authority


@pytest.fixture(scope="session")
def strange_ca() -> Iterator[TestCA]:
    """A CA that nobody trusts."""
    with TestCA(name="Strange CA") as authority:
        yield authority
