"""A collection as files, ready to be sent: its records joined by commas, where each ends, and in which order they are asked for.

A snapshot is a cache of what the database holds at one revision of a share: whoever deletes it loses time, nothing else.
Nothing of it stays in memory; a page is read where it stands.
"""

import mmap
import os
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload
from weakref import finalize

PIECE = 128 * 1024  # bytes
BLOCK = 128  # rows
SMALL = 4096  # rows: so few are kept in memory, more in a file
MOST_SMALL, MOST_LARGE = 256, 64  # selections of each sort that are kept for a snapshot
Stretch = tuple[int, int]


class Column(Sequence[int]):
    """A file of whole numbers, read where it is needed."""

    def __init__(self, path: Path, code: str) -> None:
        self._file = os.open(path, os.O_RDONLY)
        finalize(self, os.close, self._file)
        self._code, self._width = code, array(code).itemsize
        self._length = os.fstat(self._file).st_size // self._width

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, row: int) -> int: ...
    @overload
    def __getitem__(self, row: slice) -> "array[int]": ...
    def __getitem__(self, row: int | slice) -> "int | array[int]":
        if isinstance(row, slice):
            first, end, _ = row.indices(self._length)
            return array(self._code, self.read(first * self._width, max(end, first) * self._width))
        if not 0 <= row < self._length:
            raise IndexError(row)
        return int.from_bytes(self.read(row * self._width, (row + 1) * self._width), "little")

    def place(self, number: int) -> int:
        """How many numbers come before one, in a column that rises."""
        first = max(bisect_left(self._marks, number) - 1, 0) * BLOCK
        return first + bisect_left(self[first : first + BLOCK], number)

    @cached_property
    def _marks(self) -> list[int]:
        """The first number of each block: what is looked for is then found in one block."""
        return [self[row] for row in range(0, self._length, BLOCK)]

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`."""
        return os.pread(self._file, end - start, start)


class Snapshot:
    """One collection of a share in one version. Rows are counted from 0 in order of sourcedId."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._json, self._ends = Column(folder / "json", "B"), Column(folder / "ends", "Q")
        self._ids, self._id_ends = Column(folder / "ids", "B"), Column(folder / "id_ends", "Q")
        self._subsets = {path.name.removeprefix("rows."): Column(path, "I") for path in folder.glob("rows.*")}
        self._small: OrderedDict[str, Sequence[int]] = OrderedDict()
        self._large: OrderedDict[str, Sequence[int]] = OrderedDict()

    def rows(self, subset: str) -> Sequence[int]:
        """The rows of a subset, "" meaning all."""
        return self._subsets.get(subset, ()) if subset else range(len(self._ends))

    def upto(self, sourced_id: str) -> int:
        """How many rows come up to and with an id."""
        wanted = sourced_id.encode()
        first = (bisect_right(self._marks, wanted) - 1) * BLOCK
        if first < 0:
            return 0
        before = max(first - 1, 0)
        ends = self._id_ends[before : first + BLOCK]
        start = ends[0] if first else 0
        block = self._ids.read(start, ends[-1])

        def id_at(row: int) -> bytes:
            return block[(ends[row - 1 - before] if row else 0) - start : ends[row - before] - start]

        return bisect_right(range(before + len(ends)), wanted, lo=first, key=id_at)

    @cached_property
    def _marks(self) -> list[bytes]:
        """The first id of each block of rows."""
        return [self._id(row) for row in range(0, len(self._id_ends), BLOCK)]

    def row_of(self, sourced_id: str, subset: str) -> Sequence[int]:
        """The row of an id, when a subset has it."""
        row = self.upto(sourced_id) - 1
        if row < 0 or self._id(row) != sourced_id.encode():
            return ()
        rows = self.rows(subset)
        at = place(rows, row)
        return rows[at : at + 1] if at < len(rows) and rows[at] == row else ()

    def _id(self, row: int) -> bytes:
        return self._ids.read(self._id_ends[row - 1] if row else 0, self._id_ends[row])

    def selection(self, name: str) -> Sequence[int] | None:
        """Rows that were found before and kept under a name, by this process or another."""
        if name in self._small:
            return self._small[name]
        if name not in self._large and (self.folder / f"found.{name}").exists():
            self._large[name] = Column(self.folder / f"found.{name}", "I")
        return self._large.get(name)

    def keep(self, name: str, found: bytes, *, ordered: bool) -> Sequence[int]:
        """Keeps a selection: the database's numbers of its records, 8 bytes each, `ordered` or in whatever order they came."""
        rows = self._rows_of(found)
        if not ordered:
            rows = array("I", sorted(rows))
        if len(rows) <= SMALL:
            _add(self._small, MOST_SMALL, name, rows)
            return rows
        half = self.folder / f"half.{name}.{os.getpid()}"
        half.write_bytes(rows.tobytes())
        half.rename(self.folder / f"found.{name}")
        _add(self._large, MOST_LARGE, name, column := Column(self.folder / f"found.{name}", "I"))
        self._forget_old()
        return column

    def _rows_of(self, found: bytes) -> "array[int]":
        numbers = array("q", found)
        numbers.byteswap()  # PostgreSQL sends the highest byte first
        first = int((self.folder / "first").read_text())
        if not numbers:
            return array("I")
        with (
            (self.folder / "numbers").open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as raw,
            raw.cast("I") as rows,
        ):
            return array("I", [rows[number - first] for number in numbers])

    def _forget_old(self) -> None:
        kept = sorted(self.folder.glob("found.*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[MOST_LARGE:]:
            old.unlink(missing_ok=True)

    def stretches(self, rows: Sequence[int], *, ascending: bool = False) -> list[Stretch]:
        """Where the records of some rows are, as stretches of bytes; neighbours are one stretch, joined by their comma."""
        if not rows:
            return []
        low, high = (rows[0], rows[-1]) if ascending else (min(rows), max(rows))
        before = max(low - 1, 0)
        ends = self._ends[before : high + 1]
        runs = _runs_by_leaps(rows) if ascending else _runs(rows)
        return [(ends[first - 1 - before] + 1 if first else 0, ends[last - before]) for first, last in runs]

    def pieces(self, stretches: Iterable[Stretch]) -> Iterator[bytes]:
        """The bytes of stretches, joined by commas, in pieces of about PIECE bytes. What is long goes out as it was read, uncopied."""
        kept, size = list[bytes](), 0
        for number, (start, end) in enumerate(stretches):
            if number:
                kept.append(b",")
            for at in range(start, end, PIECE):
                kept.append(self._json.read(at, min(at + PIECE, end)))
                size += len(kept[-1])
                if size >= PIECE:
                    yield b"".join(kept)
                    kept, size = [], 0
        yield b"".join(kept)


def _runs(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of neighbours among rows in any order."""
    each = iter(rows)
    first = last = next(each)
    for row in each:
        if row != last + 1:
            yield first, last
            first = row
        last = row
    yield first, last


def _runs_by_leaps(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The same of rows that rise: a run is leapt over by doubled steps, since most pages are few long ones."""
    at, count = 0, len(rows)
    while at < count:
        ahead, step = rows[at] - at, 1
        while at + step < count and rows[at + step] - at - step == ahead:
            step *= 2
        middle, far = at + step // 2, min(at + step, count)
        end = bisect_right(range(count), ahead, middle, far, key=lambda k: rows[k] - k)
        yield rows[at], rows[end - 1]
        at = end


def place(rows: Sequence[int], row: int) -> int:
    """How many rows of a selection in order of sourcedId come before a row."""
    return rows.place(row) if isinstance(rows, Column) else bisect_left(rows, row)


def _add(kept: OrderedDict[str, Sequence[int]], most: int, name: str, rows: Sequence[int]) -> None:
    kept[name] = rows
    while len(kept) > most:
        kept.popitem(last=False)
