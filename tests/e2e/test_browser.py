"""The browser itself: it shows a page, runs its script, and reaches nothing beyond loopback."""

import asyncio
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

PAGE = """<!doctype html><title>Sealed</title><p id="said">waiting</p>
<script>document.getElementById("said").textContent = "hello";</script>"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without writing a line for each."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text(PAGE)
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_browser_shows_a_page_and_runs_its_script(page: Page, address: str) -> None:
    page.goto(address)

    assert page.title() == "Sealed"
    assert page.locator("#said").inner_text() == "hello"


def test_browser_reaches_nothing_beyond_loopback(page: Page) -> None:
    with pytest.raises(Error, match="ERR_FAILED"):
        page.goto("http://198.51.100.7/")


def test_browser_takes_a_picture_of_a_page(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address)

    page.screenshot(path=tmp_path / "page.png")

    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_browser_keeps_an_event_loop_in_the_thread_of_the_test(page: Page) -> None:
    """Why the desk must run in a process of its own: Django refuses its database where a loop runs."""
    assert asyncio.get_running_loop().is_running()
