"""The browser and the desk, for the modules that ask for them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browser import chromium, fresh_page
from tests.e2e.correspondents import PGPPeople, SMIMEPeople
from tests.e2e.story import Story, told
from tests.e2e.way import Way
from tests.peers.dovecot import Dovecot
from tests.peers.gpg import GnuPGFactory
from tests.peers.openssl import TestCA
from tests.peers.postfix import Postfix


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: its event loop must not outlive it (see tests/e2e/browser.py)."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a session of its own."""
    with fresh_page(browser) as page:
        yield page


@pytest.fixture(scope="module")
def way(postfix: Postfix) -> Iterator[Way]:
    """What lies between the customers and the desk."""
    with Way(postfix) as way:
        yield way


@pytest.fixture(scope="module")
def story(way: Way, dovecot: Dovecot, test_ca: TestCA, gpg_factory: GnuPGFactory, browser: Browser) -> Iterator[Story]:
    """A desk, prepared, with its customers, for one module."""
    smime, pgp = SMIMEPeople(test_ca), PGPPeople(gpg_factory)
    with told(way=way, dovecot=dovecot, smime=smime, pgp=pgp, browser=browser) as story:
        yield story
