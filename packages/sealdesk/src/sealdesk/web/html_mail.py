"""HTML of strangers, cleaned for the sandboxed frame. Works on text alone; who may see it is decided in the views.

Three walls stand behind each other: this cleaning, the frame's `sandbox`, and the response's own content policy.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import unquote, urlsplit

import nh3

from sealmail.mime.html import without_tags

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
POLICY_WITH_PICTURES = POLICY.replace("img-src data:", "img-src data: https:")

_TAGS = nh3.ALLOWED_TAGS - {"map", "area"} | {"font", "u", "address", "section", "article", "header", "footer", "main"}
_DROPPED = {"script", "style", "svg", "math", "template", "iframe", "object", "noscript", "title", "head", "textarea"}
_COMMON = {"align", "bgcolor", "border", "cellpadding", "cellspacing", "color", "dir", "height", "lang", "size"}
_ATTRIBUTES = {
    "*": _COMMON | {"style", "title", "valign", "width"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "type"},
}
# Nothing that places an element over others, and nothing that names an address to fetch.
_STYLES = {
    *("color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight", "line-height"),
    *("text-align", "text-decoration", "text-indent", "vertical-align", "white-space", "letter-spacing", "direction"),
    *("border", "border-top", "border-bottom", "border-left", "border-right", "border-collapse", "border-color"),
    *("border-radius", "border-style", "border-width", "padding", "padding-top", "padding-bottom", "padding-left"),
    *("padding-right", "margin", "margin-top", "margin-bottom", "margin-left", "margin-right", "width", "max-width"),
    *("height", "max-height", "min-width", "list-style-type", "display"),
}
PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
PICTURE_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that came with the mail."""

    content_type: str
    data: bytes


def page(html: str, *, pictures: Mapping[str, Picture], remote_pictures: bool) -> str:
    """A whole page for the frame. `pictures`: by Content-ID; `remote_pictures`: whether any may be fetched.

    A document that would take the cleaner more than a moment is shown as its words alone.
    """
    body = _cleaned(html, pictures, remote=remote_pictures) if _is_modest(html) else _words_of(html)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f"<title>Mail</title><style>{_SHEET}</style></head><body>{body}</body></html>"
    )


_MOST_TAGS = 20_000
_DEEPEST = 500
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
# Elements that hold nothing, or whose end is left out by many programs.
_UNENDED = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"} | {
    *("p", "li", "dd", "dt", "option", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup", "html", "head", "body")
}


def _is_modest(html: str) -> bool:
    """Whether the cleaner is quick with it: its time grows with the square of the depth, and one megabyte of opened
    elements takes minutes."""
    depth = 0
    for count, tag in enumerate(_TAG.finditer(html)):
        if tag[2].lower() not in _UNENDED:
            depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > _DEEPEST or count >= _MOST_TAGS:
            return False
    return True


def _words_of(html: str) -> str:
    return f'<div style="white-space:pre-wrap">{escape(without_tags(html))}</div>'


def _cleaned(html: str, pictures: Mapping[str, Picture], *, remote: bool) -> str:
    body = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=lambda tag, name, value: _attribute(tag, name, value, pictures, remote=remote),
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        url_relative="deny",
        filter_style_properties=_STYLES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return _OPENING_LINK.sub(_with_host, body)


_SHEET = (
    "html{color-scheme:light;background:#fff;color:#1c1e21;font:15px/1.5 system-ui,sans-serif}"
    "body{margin:12px;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}"
    "blockquote{margin:0 0 0 4px;padding-left:12px;border-left:2px solid #c8c8c4}"
    "a[title]::after{content:' (' attr(title) ')';color:#5b5f66;font-size:12px}"
)


def _attribute(tag: str, name: str, value: str, pictures: Mapping[str, Picture], *, remote: bool) -> str | None:
    if tag == "img" and name == "src":
        return _source(value, pictures, remote=remote)
    if name == "style":
        return None if "url(" in value.lower() or "\\" in value else value
    if tag == "a" and name == "href":
        return value if _leads_where_it_says(value) else None
    if name == "title" and tag == "a":
        return None  # the place where the link's own host stands
    return value


def _source(address: str, pictures: Mapping[str, Picture], *, remote: bool) -> str | None:
    if address.lower().startswith("cid:"):
        picture = pictures.get(unquote(address[4:]).strip("<>"))
        return _data_address(picture) if picture else None
    return address if remote and address.lower().startswith("https://") else None


def _data_address(picture: Picture) -> str | None:
    if picture.content_type not in PICTURE_TYPES or len(picture.data) > PICTURE_LIMIT:
        return None
    return f"data:{picture.content_type};base64,{base64.b64encode(picture.data).decode()}"


_WEB = re.compile(r"https?:", re.IGNORECASE)
_PLAIN_WEB = re.compile(r"https?://[^\s/\\?#][^\s\\?#]*(?:[?#]|\Z)", re.IGNORECASE)


def _leads_where_it_says(address: str) -> bool:
    """Whether everybody reads the same host in it. Browsers take a backslash for a slash, do without slashes, and pass
    over white space inside; other readers of addresses do not."""
    return not _WEB.match("".join(address.split())) or _PLAIN_WEB.match(address.strip()) is not None


# The cleaner writes attributes quoted and escaped, so its own output can be read this simply.
_OPENING_LINK = re.compile(r'<a((?: [a-z-]+="[^"]*")*)>')
_ADDRESS = re.compile(r' href="([^"]*)"')


def _with_host(link: re.Match[str]) -> str:
    """The link with the host that it really leads to, whatever its words say."""
    found = _ADDRESS.search(link[1])
    host = _host(unescape(found[1])) if found else ""
    return f'<a{link[1]} title="{escape(host)}">' if host else link[0]


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return "an address that cannot be read"
