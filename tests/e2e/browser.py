"""Debian's Chromium, driven by Playwright.

Playwright's synchronous interface keeps an event loop running in the thread of the test, and Django refuses database
access in such a thread. So a test with a browser runs the desk in a process of its own, and prepares and checks its
data there too (by its commands and pages), never by Django's models in the test process. The browser ends with the
module that asked for it, so that the tests of other modules are free of the loop.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

from tests.peers.programs import PeerError

QUIET = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
)
TIMEOUT_MILLISECONDS = 10_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser without a window, a profile or anything to say to its maker."""
    executable = shutil.which("chromium")
    if executable is None:
        raise PeerError("chromium is not installed; tools/debian-packages installs it")
    # The sandbox needs a user that is not root.
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*QUIET]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """A page with no cookies, which can reach nothing but loopback."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    context.route(lambda url: not _is_loopback(url), lambda route: route.abort())
    try:
        yield context.new_page()
    finally:
        context.close()


def _is_loopback(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:"))
