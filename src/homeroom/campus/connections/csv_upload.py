"""Sets that people upload: bounded on their way in, looked at before they replace the last one, kept for Homeroom's eyes alone."""

import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from homeroom.campus.connections.csv_place import upload_path
from homeroom.oneroster.bulk.check import check
from homeroom.oneroster.bulk.files import BulkError
from homeroom.oneroster.bulk.sets import open_set
from homeroom.problems import NOTE

MOST_CHECKED = 64 * 1024**2  # of a zip; a larger one would keep its owner waiting for minutes
MOST_FILES = 40
Files = Sequence["UploadedFile[Any]"]


class Bounded(FileUploadHandler):
    """Ends an upload that is too large, or by nobody who signed in, before it fills the disk."""

    def handle_raw_input(self, *_: Any, **__: Any) -> None:
        """Begins to count."""
        self._got = 0
        user = getattr(self.request, "user", None)
        self._most = settings.MOST_UPLOADED if user is not None and user.is_authenticated else 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002 # Django names it
        """Lets a piece pass on to where it is kept."""
        self._got += len(raw_data)
        if self._got > self._most:
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:  # Django names it
        """Keeps nothing itself."""


def packed(files: Files) -> Path:
    """What was uploaded, a zip or the CSV files themselves, as one zip beside the kept ones. Raises `BulkError` when it is no set."""
    if len(files) > MOST_FILES:
        raise BulkError(f"A OneRoster set has at most {MOST_FILES} files.")
    handle, name = tempfile.mkstemp(prefix="upload-", suffix=".zip", dir=upload_path(0).parent)  # 0600
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as kept:
            _write(files, kept)
        _must_be_a_roster(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _must_be_a_roster(path: Path) -> None:
    opened = open_set(path)
    if opened.file("users") is None or opened.file("orgs") is None:
        raise BulkError(
            opened.unusable[0] if opened.unusable else "A roster has at least users.csv and orgs.csv."
        )


def _write(files: Files, kept: Any) -> None:
    names = [str(file.name or "") for file in files]
    if len(files) == 1 and names[0].lower().endswith(".zip"):
        for chunk in files[0].chunks():
            kept.write(chunk)
        return
    if not all(name.lower().endswith(".csv") for name in names):
        raise BulkError("Choose one zip, or the CSV files themselves: all of them at once.")
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in zip(names, files, strict=True):
            with archive.open(PurePath(name).name, "w") as entry:
                for chunk in file.chunks():
                    entry.write(chunk)


def keep(path: Path, connection_id: int) -> None:
    """Puts a packed upload in the place of the last one."""
    path.replace(upload_path(connection_id))


def checked(path: Path) -> dict[str, Any]:
    """What the checker says of a set: rows by table, and problems by file and cause; {} for a set too large to be waited for."""
    if path.stat().st_size > MOST_CHECKED:
        return {}
    try:
        report = check(path)
    except BulkError as wrong:
        return {"ok": False, "counts": {}, "problems": [], "wrong": str(wrong)}
    grouped: dict[tuple[str, str, str | None], dict[str, Any]] = {}
    for problem in report.problems:
        found = grouped.setdefault(
            (problem.where, problem.code, problem.field),
            {
                **asdict(problem),
                "count": 0,
                "message": problem.message,
                "cure": problem.cure,
                "severity": problem.severity,
            },
        )
        found["count"] += 1
    problems = sorted(
        grouped.values(), key=lambda one: (one["severity"] == NOTE, one["where"], -one["count"])
    )
    return {"ok": report.ok, "version": report.version, "counts": report.counts, "problems": problems[:200]}
