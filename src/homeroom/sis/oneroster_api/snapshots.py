"""Making snapshots, and finding the one that answers: kept ready for all data, made when first asked for of a narrowed share.

Until a snapshot is there the database answers in its place.
"""

import hashlib
import logging
import mmap
import shutil
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Any

from django.db import DatabaseError, close_old_connections, connection, transaction

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, V1P2
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.oneroster_api.snapshot import Snapshot
from homeroom.web.home import home

log = logging.getLogger(__name__)
COLUMNS = {V1P1: "v1p1", V1P2: "v1p2"}  # the column that holds records as a version says them
_AT_A_TIME = 5000
_PULSE = 5.0  # seconds between looks at whether the data changed
_LOCK = 0x0E05  # of the advisory locks, ours
Key = tuple[int, int, str, str]  # share, its revision, kind, version


class Snapshots:
    """The snapshots of this process, for the address at which the site is reached."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Key, Snapshot] = {}
        self._being_made = threading.Lock()

    def find(self, root: str, key: Key) -> Snapshot | None:
        """The snapshot of a collection; None while it is made."""
        found = self._open.get(key) or self._opened(root, key)
        if found is None and self._being_made.acquire(blocking=False):
            threading.Thread(target=self._make_and_release, args=(root, key), daemon=True).start()
        return found

    def wait(self) -> None:
        """Returns when no snapshot is being made for a call."""
        with self._being_made:
            pass

    def _opened(self, root: str, key: Key) -> Snapshot | None:
        place = self._place(root, key)
        if not place.exists():
            return None
        share, revision, *_ = key
        for old in [one for one in self._open if one[0] == share and one[1] != revision]:
            self._open.pop(old, None)
        found = self._open[key] = Snapshot(place)
        return found

    def _place(self, root: str, key: Key) -> Path:
        share, revision, kind, version = key
        site = hashlib.sha256(f"{root} {connection.settings_dict['NAME']}".encode()).hexdigest()[:12]
        return self._folder / site / str(share) / str(revision) / f"{kind}.{COLUMNS[version]}"

    def keep_ready(self, root: str) -> None:
        """From now on makes the snapshots of all data as soon as it changes."""
        threading.Thread(target=self._watch, args=(root,), daemon=True).start()

    def _watch(self, root: str) -> None:
        ready = -1
        while True:
            try:
                close_old_connections()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT revision FROM records_share WHERE id = 0")
                    row = cursor.fetchone()
                if row is not None and row[0] != ready:
                    for kind in sorted(KINDS.values(), reverse=True):  # users first: they are asked for most
                        for version in COLUMNS:
                            self._make(root, (0, row[0], kind, version))
                    ready = row[0]
            except DatabaseError:
                log.info("the database is not there; snapshots wait for it")
            time.sleep(_PULSE)

    def _make_and_release(self, root: str, key: Key) -> None:
        try:
            close_old_connections()
            self._make(root, key)
        except Exception:
            log.exception("a snapshot could not be made; the database answers in its place")
            time.sleep(_PULSE)  # not every call tries again
        finally:
            connection.close()
            self._being_made.release()

    def _make(self, root: str, key: Key) -> None:
        place = self._place(root, key)
        if not place.exists():
            write(place, root, key)
            _tidy(place.parent.parent.parent)


def _tidy(site: Path) -> None:
    """Takes away what older revisions left, and shares that are no more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, revision FROM records_share")
        kept = {str(share): revision for share, revision in cursor.fetchall()}
    for share in site.iterdir() if site.exists() else ():  # nothing may have been made yet
        for revision in share.iterdir():
            if share.name not in kept or int(revision.name) < kept[share.name]:
                shutil.rmtree(revision, ignore_errors=True)


def write(place: Path, root: str, key: Key) -> None:
    """Makes a snapshot beside its place and moves it there whole, unless another process is at it or the data moved on."""
    share, revision, kind, version = key
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT revision FROM records_share WHERE id = %s", [share])
        row = cursor.fetchone()
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, str(place)])
        if row is None or row[0] != revision or not cursor.fetchone()[0] or place.exists():
            return
        half = place.with_name(f"{place.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        href = f'"href":"{root}{BASE_PATHS[version]}/'
        first, last = _numbers(cursor, share, kind)
        (half / "first").write_text(str(first))
        with _Table(half / "numbers", last - first + 1) as numbers:
            _fill(half, _batches(cursor, share, kind, COLUMNS[version]), href, numbers, first)
        half.rename(place)


def _numbers(cursor: Any, share: int, kind: str) -> tuple[int, int]:
    """The least and the greatest of the database's own numbers of these records."""
    cursor.execute(
        "SELECT min(id), max(id) FROM records_record WHERE share = %s AND kind = %s", [share, kind]
    )
    first, last = cursor.fetchone()
    return first or 0, last or 0


class _Table:
    """A file that tells the row of each of the database's numbers: 4 bytes each, with holes where there is no record."""

    def __init__(self, path: Path, length: int) -> None:
        with path.open("wb") as file:
            file.truncate(length * 4)
        self._file = path.open("r+b")
        self._mapped = mmap.mmap(self._file.fileno(), 0)
        self._raw = memoryview(self._mapped)
        self.rows = self._raw.cast("I")

    def __enter__(self) -> "memoryview[int]":
        return self.rows

    def __exit__(self, *_: object) -> None:
        self.rows.release()
        self._raw.release()
        self._mapped.close()
        self._file.close()


Row = tuple[int, str, str, list[str]]


def _batches(cursor: Any, share: int, kind: str, column: str) -> Iterator[list[Row]]:
    cursor.execute(
        f"DECLARE snapshot NO SCROLL CURSOR FOR SELECT id, sourced_id, {column}, roles || ARRAY[type::text] FROM records_record "
        "WHERE share = %s AND kind = %s ORDER BY sourced_id",
        [share, kind],
    )
    while True:
        cursor.execute(f"FETCH {_AT_A_TIME} FROM snapshot")
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows


class _Files:
    """The files of a snapshot that is being made."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder, self._opened = folder, opened
        self._files: dict[str, IO[bytes]] = {}
        self._ends = {"json": -1, "ids": 0}
        for name in ("json", "ends", "ids", "id_ends"):
            self.write(name, b"")

    def write(self, name: str, said: bytes) -> None:
        """Adds to a file, and makes it when it is the first time."""
        if name not in self._files:
            self._files[name] = self._opened.enter_context((self._folder / name).open("wb"))
        self._files[name].write(said)

    def add(self, name: str, ends: str, texts: list[bytes], comma: bytes) -> None:
        """Adds texts, joined by commas or by nothing, and where each ends."""
        last = self._ends[name]
        self.write(name, (comma if last > 0 else b"") + comma.join(texts))
        places = array(
            "Q", islice(accumulate((len(text) + len(comma) for text in texts), initial=last), 1, None)
        )
        self.write(ends, places.tobytes())
        self._ends[name] = places[-1]


def _fill(
    folder: Path, batches: Iterator[list[Row]], href: str, numbers: "memoryview[int]", first: int
) -> None:
    with ExitStack() as opened:
        files, done = _Files(folder, opened), 0
        for batch in batches:
            documents = [document.replace('"href":"~/', href).encode() for _, _, document, _ in batch]
            files.add("json", "ends", documents, b",")
            files.add("ids", "id_ends", [sourced_id.encode() for _, sourced_id, _, _ in batch], b"")
            subsets: dict[str, array[int]] = defaultdict(lambda: array("I"))
            for row, (number, _, _, words) in enumerate(batch, done):
                numbers[number - first] = row
                for word in words:
                    subsets[word].append(row)
            for word, rows in subsets.items():
                if word.isalpha():
                    files.write(f"rows.{word}", rows.tobytes())
            done += len(batch)


snapshots = Snapshots(home() / "snapshots")
