"""The lines of a CSV file: RFC 4180 as the standard narrows it, read leniently, each fault named.

A line break inside a field is against the standard, but its row is read. A quote that is never closed costs its own
row and no other. Nothing is held but the lines of one row.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from homeroom.oneroster.bulk.files import BulkError

LONGEST_LINE = 1_000_000  # characters
_MOST_JOINED = 50  # lines that one row may reach over
csv.field_size_limit(LONGEST_LINE + 1)
_CELL = r'(?:"[^"]*(?:""[^"]*)*"|[^",\r\n]*)'
_WELL_QUOTED = re.compile(rf"{_CELL}(?:,{_CELL})*(?:\r\n|\n|\r)?")
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the number of its first line, its cells, and the codes of what is wrong with how it is written."""

    number: int
    cells: list[str]
    faults: tuple[str, ...] = ()


def lines(stream: IO[bytes], name: str) -> Iterator[Line]:
    """The rows of a file. Raises `BulkError` when it is no text."""
    buffered = io.BufferedReader(
        cast("io.RawIOBase", stream)
    )  # a file and an entry of a zip both read into a buffer
    if kind := _BOMS.get(buffered.peek(2)[:2]):
        raise BulkError(f"{name} is {kind}, not UTF-8. Save it as “CSV UTF-8”, and try again.")
    with io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="replace", newline="") as text:
        yield from _rows(_Lines(text, name))


class _Lines:
    """Lines with their numbers, which can be put back."""

    def __init__(self, text: IO[str], name: str) -> None:
        self._text, self._name = text, name
        self._waiting: deque[str] = deque()
        self._number = 0

    def take(self) -> tuple[int, str]:
        """The next line and its number; an empty text at the end."""
        line = self._waiting.popleft() if self._waiting else self._text.readline(LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise BulkError(
                f"Line {self._number + 1} of {self._name} has more than {LONGEST_LINE:,} characters. "
                "A CSV file has a line for each record; export it again."
            )
        self._number += bool(line)
        return self._number, line

    def put_back(self, taken: list[str]) -> None:
        """Makes lines the next ones again."""
        self._waiting.extendleft(reversed(taken))
        self._number -= len(taken)


def _rows(source: _Lines) -> Iterator[Line]:
    while True:
        number, line = source.take()
        if not line:
            return
        end = line[-2:] if line.endswith("\r\n") else line[-1:]
        faults = ("line_end",) if end == "\r" else ()
        if '"' not in line:
            yield Line(number, line.rstrip("\r\n").split(","), faults)
        else:
            yield _quoted(source, number, line, faults)


def _quoted(source: _Lines, number: int, line: str, faults: tuple[str, ...]) -> Line:
    """A row with quotes. When they do not end in its line, the lines in which they do belong to it."""
    whole, more = line, list[str]()
    while whole.count('"') % 2 and len(more) < _MOST_JOINED and len(whole) < LONGEST_LINE:
        _, following = source.take()
        if not following:
            break
        more.append(following)
        whole += following
    if _WELL_QUOTED.fullmatch(whole):
        return Line(number, _cells(whole), (*faults, "line_break") if more else faults)
    source.put_back(more)
    return Line(number, _cells(line), (*faults, "bad_quoting"))


def _cells(row: str) -> list[str]:
    cells = next(csv.reader(io.StringIO(row, newline="")), [])
    return [" ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell for cell in cells]
