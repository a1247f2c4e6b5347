"""Collections as files, ready to be sent: a page in order of sourcedId is one piece of a file, wherever it begins.

A snapshot is made of what the database holds, at one revision of it, when its collection is first asked for; until it is there,
and for whatever it cannot answer, the database answers. It is a cache: whoever deletes it loses time, nothing else.
"""

import hashlib
import logging
import os
import shutil
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any
from weakref import finalize

from django.db import connection, transaction

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
from homeroom.web.home import home

log = logging.getLogger(__name__)
_AT_A_TIME = 5000
PIECE = 256 * 1024  # bytes
_PAUSE = 0.25  # seconds
_LOCK = 0x0E05  # of the advisory locks, ours


class Snapshot:
    """One collection in one version: its records joined by commas, where each ends, their ids, and the rows of each subset."""

    def __init__(self, folder: Path) -> None:
        self._json = _Column(folder / "json", 1)
        self._ends = _Column(folder / "ends", 8)
        self._ids = _Column(folder / "ids", 1)
        self._id_ends = _Column(folder / "id_ends", 8)
        rows = (path for path in folder.iterdir() if path.name.startswith("rows."))
        self._subsets = {path.name.removeprefix("rows."): _Column(path, 8) for path in rows}

    def total(self, subset: str) -> int:
        """How many records a subset has, "" meaning all."""
        return (
            self._ends.length if not subset else (rows.length if (rows := self._subsets.get(subset)) else 0)
        )

    def page(self, subset: str, offset: int, limit: int) -> list[tuple[int, int]]:
        """Where the records of a page are, as stretches of bytes whose records are joined by commas; nothing past the end."""
        last = min(offset + limit, self.total(subset))
        if offset >= last:
            return []
        if not subset:
            return [self._stretch(offset, last)]
        return self._stretches(self._subsets[subset].numbers(offset, last))

    def pieces(self, stretches: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of stretches, joined by commas, in pieces of about PIECE bytes."""
        kept = bytearray()
        for number, (start, end) in enumerate(stretches):
            if number:
                kept += b","
            for at in range(start, end, PIECE):
                kept += self._json.read(at, min(at + PIECE, end))
                if len(kept) >= PIECE:
                    yield bytes(kept)
                    kept.clear()
        yield bytes(kept)

    def after(self, subset: str, sourced_id: str) -> int:
        """How many records of a subset come up to and with an id, in order of sourcedId."""
        row = bisect_right(range(self._id_ends.length), sourced_id.encode(), key=self._id)
        return (
            bisect_right(self._subsets[subset], row - 1)
            if subset in self._subsets
            else row
            if not subset
            else 0
        )

    def _stretch(self, first: int, end: int) -> tuple[int, int]:
        start = self._ends[first - 1] + 1 if first else 0
        return start, self._ends[end - 1]

    def _stretches(self, rows: "array[int]") -> list[tuple[int, int]]:
        """Rows as stretches, neighbours as one."""
        ends = self._ends.numbers(rows[0], rows[-1] + 1)
        found, start, last = [], self._stretch(rows[0], rows[0] + 1)[0], rows[0]
        for row in rows:
            if row > last + 1:
                found.append((start, ends[last - rows[0]]))
                start = ends[row - 1 - rows[0]] + 1
            last = row
        return [*found, (start, ends[last - rows[0]])]

    def _id(self, row: int) -> bytes:
        return self._ids.read(self._id_ends[row - 1] if row else 0, self._id_ends[row])


class _Column:
    """A file of numbers or bytes, read where it is needed: nothing of it stays in memory."""

    def __init__(self, path: Path, width: int) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._width = width
        self.length = os.fstat(self._file).st_size // width

        finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: int) -> int:
        return int.from_bytes(os.pread(self._file, 8, row * 8), "little")

    def numbers(self, first: int, end: int) -> "array[int]":
        return array("Q", self.read(first * 8, end * 8))

    def read(self, start: int, end: int) -> bytes:
        return os.pread(self._file, end - start, start)


class Snapshots:
    """The snapshots of this process for one address of the site, opened once and made when they are missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, str, str], Snapshot] = {}
        self._being_made = threading.Lock()

    def find(self, root: str, revision: int, kind: str, column: str) -> Snapshot | None:
        """The snapshot of a collection at a revision of the data; None while it is made, or when nobody may make it."""
        if root != os.environ.get("HOMEROOM_SIS_URL", "").rstrip("/"):
            return None  # its hrefs would be another site's
        key = (revision, kind, column)
        found = self._open.get(key)
        if found is None and (folder := self._place(root, *key)).exists():
            found = self._open[key] = Snapshot(folder)
            for old in [one for one in self._open if one[0] != revision]:
                self._open.pop(old, None)
        if found is None and self._being_made.acquire(blocking=False):
            threading.Thread(target=self._make, args=(root, *key), daemon=True).start()
        return found

    def _place(self, root: str, revision: int, kind: str, column: str) -> Path:
        site = hashlib.sha256(f"{root} {connection.settings_dict['NAME']}".encode()).hexdigest()[:12]
        return self._folder / site / str(revision) / f"{kind}.{column}"

    def _make(self, root: str, revision: int, kind: str, column: str) -> None:
        try:
            place = self._place(root, revision, kind, column)
            _write(place, root, revision, kind, column)
            for old in place.parent.parent.iterdir():
                if int(old.name) < revision:
                    shutil.rmtree(old, ignore_errors=True)
        except Exception:
            log.exception("a snapshot could not be made; the database answers in its place")
        finally:
            connection.close()
            time.sleep(_PAUSE)  # when it could not be made now, not every call tries again
            self._being_made.release()


def _write(place: Path, root: str, revision: int, kind: str, column: str) -> None:
    """Makes a snapshot beside its place and moves it there whole, unless another process is at it or the data moved on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT revision FROM records_share WHERE id = 0")
        now = cursor.fetchone()[0]
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(place)])
        if now != revision or not cursor.fetchone()[0] or place.exists():
            return
        half = place.with_name(f"{place.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        version = V1P1 if column == "v1p1" else "1.2"
        _fill(half, _rows(cursor, kind, column), f'"href":"{root}{BASE_PATHS[version]}/')
        half.rename(place)


def _rows(cursor: Any, kind: str, column: str) -> Iterator[tuple[str, str, list[str]]]:
    cursor.execute(
        f"DECLARE snapshot NO SCROLL CURSOR FOR SELECT sourced_id, {column}, roles || ARRAY[type::text] FROM records_record "
        "WHERE share = 0 AND kind = %s ORDER BY sourced_id",
        [kind],
    )
    while True:
        cursor.execute(f"FETCH {_AT_A_TIME} FROM snapshot")
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows


def _fill(folder: Path, rows: Iterator[tuple[str, str, list[str]]], href: str) -> None:
    with ExitStack() as files:
        opened: dict[str, IO[bytes]] = {}

        def file(name: str) -> IO[bytes]:
            if name not in opened:
                opened[name] = files.enter_context((folder / name).open("wb"))
            return opened[name]

        end, id_end = -1, 0
        for name in ("json", "ends", "ids", "id_ends"):
            file(name)
        for row, (sourced_id, document, subsets) in enumerate(rows):
            said, written = document.replace('"href":"~/', href).encode(), sourced_id.encode()
            file("json").write(b"," + said if row else said)
            file("ids").write(written)
            end, id_end = end + 1 + len(said), id_end + len(written)
            file("ends").write(end.to_bytes(8, "little"))
            file("id_ends").write(id_end.to_bytes(8, "little"))
            for subset in subsets:
                if subset.isalpha():
                    file(f"rows.{subset}").write(row.to_bytes(8, "little"))


snapshots = Snapshots(home() / "snapshots")
