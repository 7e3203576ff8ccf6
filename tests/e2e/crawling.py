"""Follows every link of a desk as somebody who has signed in, to find pages that fail; it sends no other form."""

import re
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from tests.peers.programs import PeerError

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def sign_in(desk: str, address: str, password: str) -> OpenerDirector:
    """Signs in by the page; what comes back keeps the session."""
    browser = build_opener(HTTPCookieProcessor())
    login = f"{desk}accounts/login/"
    token = _TOKEN.search(browser.open(login).read().decode())
    fields = {"login": address, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
    answer = browser.open(Request(login, urlencode(fields).encode()))  # noqa: S310 -- a desk on loopback
    if answer.url.startswith(login):
        raise PeerError(f"{address} was not let in")
    return browser


def crawl(desk: str, browser: OpenerDirector) -> tuple[set[str], dict[str, int]]:
    """All paths that can be reached from the first page, and the status of those that failed."""
    waiting, seen, failed = ["/"], set[str](), dict[str, int]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            try:
                with browser.open(desk.rstrip("/") + path) as page:
                    is_html = page.headers.get_content_type() == "text/html"
                    waiting += _links(page.read().decode()) if is_html else []
            except HTTPError as error:
                failed[path] = error.code
    return seen, failed


def _links(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    return reader.links


class _Reader(HTMLParser):
    """Gathers what a person, or the page by itself, would ask for next; signing out is not followed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = [value or "" for name, value in attrs if name in {"href", "src", "hx-get"}]
        self.links += [value.partition("#")[0] for value in named if value.startswith("/") and "logout" not in value]
