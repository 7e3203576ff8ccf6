"""What templates need beyond loops: icons, glyphs, times, sizes, and the counters of the top bar."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sealdesk.core.clock import now
from sealdesk.web.agent.lists import views_with_counts
from sealdesk.web.presenters.times import age, exact, full_day
from sealdesk.web.presenters.wording import Face

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite; it says nothing to screen readers, the word beside it does."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css,
        static("sealdesk/icons.svg"),
        name,
    )


@register.simple_tag
def glyph(face: Face) -> SafeString:
    """A face as an icon with its word for screen readers."""
    return format_html(
        '<span class="glyph tone-{}">{}<span class="visually-hidden">{}</span></span>',
        face.tone,
        icon(face.icon),
        face.label,
    )


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """A time as agents read it, exact on hover."""
    if moment is None:
        return "—"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), age(moment, now())
    )


@register.simple_tag
def on_day(moment: datetime) -> SafeString:
    """A date, exact on hover; for ends of validity, where the hour never matters."""
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), full_day(moment))


@register.filter
def size(count: int) -> str:
    """Bytes for people."""
    return filesizeformat(count)


@register.inclusion_tag("components/_views.html", takes_context=True)
def views_nav(context: dict[str, Any]) -> dict[str, Any]:
    """The lists with their counters."""
    return {"views": views_with_counts(context["request"].user), "current": context.get("view_slug", "none")}


@register.filter
def choice(chosen: bool | None) -> str:
    """A choice as the form carries it: empty where the agent made none."""
    return "" if chosen is None else ("on" if chosen else "off")
