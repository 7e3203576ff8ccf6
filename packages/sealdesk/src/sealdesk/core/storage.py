"""Where blobs lie by default: files that are on disk, readable by nobody else, before their name is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible


@deconstructible(path="sealdesk.core.storage.DurableFiles")
class DurableFiles(FileSystemStorage):
    """Django's file storage that waits for the disk, and leaves nothing behind where writing failed."""

    def _save(self, name: str, content: File[Any] | IO[Any]) -> str:
        path = Path(self.path(name))
        try:
            name = super()._save(name, content)  # type: ignore[misc]  # the stubs leave this documented hook out
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        # The file, its entry in the folder, and the folder's entry in the folder above.
        for place in (path, path.parent, path.parent.parent):
            _sync(place)
        return name


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
