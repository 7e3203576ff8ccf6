"""The groups and servers of the demo."""

from __future__ import annotations

from collections.abc import Sequence

from sealdesk.mail.models import Channel, ChannelKind, Security


def load(*, intake_port: int) -> Sequence[str]:
    """Fills an empty desk, once; what a person should know about it, line by line."""
    Channel.objects.update_or_create(
        kind=ChannelKind.SMTP,
        name="Demo",
        defaults={"host": "127.0.0.1", "port": intake_port, "security": Security.NONE},
    )
    return [f"Mail for the demo is taken in at 127.0.0.1:{intake_port} (SMTP)."]
