"""System checks: settings that would put secrets at risk, each with an id and what to do about it."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution

from sealdesk.core.masterkey import lies_inside

SMALLEST_MAIL_LIMIT = 64 * 1024


@register(Tags.security)
def check_places(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """The master key and the data folder: apart from each other, and closed to other users of the machine."""
    return [*_master_key(), *_data_folder()]


@register(Tags.security)
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Settings that make no sense together."""
    return [*_web(), *_limits()]


def _master_key() -> Iterator[CheckMessage]:
    path: Path = settings.MASTER_KEY_FILE
    if settings.MASTER_KEY:
        return
    if lies_inside(path, settings.DATA_FOLDER):
        yield Error(
            f"The master key {path} lies inside the data folder: whoever has the folder, or a backup of it, reads all.",
            hint="Move the file to a folder of its own and set SEALDESK_MASTER_KEY_FILE.",
            id="sealdesk.E001",
        )
    if _is_open(path):
        yield Caution(
            f"Other users of this machine can read the master key {path}.",
            hint=f"chmod 600 {path}",
            id="sealdesk.W001",
        )


def _data_folder() -> Iterator[CheckMessage]:
    folder: Path = settings.DATA_FOLDER
    if not folder.is_dir():
        yield Error(
            f"The data folder {folder} is not a folder.",
            hint="Set SEALDESK_DATA to a folder that Sealdesk may write to.",
            id="sealdesk.E002",
        )
    elif _is_open(folder):
        yield Caution(
            f"Other users of this machine can look into the data folder {folder}.",
            hint=f"chmod 700 {folder}",
            id="sealdesk.W002",
        )


def _web() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Caution(
            "SEALDESK_DEBUG is on: error pages show what passes through the desk.",
            hint="Only for developing; unset it where real mail is handled.",
            id="sealdesk.W003",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Caution(
            "SEALDESK_HOSTS allows every host name.",
            hint="Name the hosts under which people open the desk.",
            id="sealdesk.W004",
        )
    elif not settings.SESSION_COOKIE_SECURE and not _LOOPBACK.issuperset(settings.ALLOWED_HOSTS):
        yield Caution(
            "The desk is opened from other machines, but SEALDESK_HTTPS is off: sessions can be read on the way.",
            hint="Put a server with TLS in front and set SEALDESK_HTTPS=true.",
            id="sealdesk.W005",
        )


def _limits() -> Iterator[CheckMessage]:
    if settings.MAIL_SIZE_LIMIT < SMALLEST_MAIL_LIMIT:
        yield Error(
            f"SEALDESK_MAIL_SIZE_LIMIT is {settings.MAIL_SIZE_LIMIT} bytes: hardly any mail would be taken in.",
            hint="It counts bytes; 50 MB is 52428800.",
            id="sealdesk.E003",
        )
    if settings.FILE_UPLOAD_HANDLERS != ["django.core.files.uploadhandler.MemoryFileUploadHandler"]:
        yield Error(
            "Uploads may be written to a temporary folder in clear.",
            hint="Leave FILE_UPLOAD_HANDLERS as it is.",
            id="sealdesk.E004",
        )


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
