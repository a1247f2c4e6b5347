"""Where the files of a set lie: in a folder, in a zip, or one by itself. Nothing of a zip is ever unpacked to disk."""

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from homeroom.problems import Problem

MOST_BYTES = 4 * 1024**3  # unpacked; a district of a million people has about 1 GiB
MOST_TIMES = 500  # that a file may grow in unpacking; rosters grow ten to fifty times
MOST_ENTRIES = 10_000  # of a zip
_SMALL = 10 * 1024**2  # bytes; what does not grow past this need not be asked
_ENCRYPTED = 0x1  # a flag of an entry of a zip
_ASK = "Name a OneRoster CSV folder, a zip or a CSV file."


class BulkError(Exception):
    """This is no OneRoster CSV set; the message says what was found and what to do."""


@dataclass(slots=True)
class Files:
    """The CSV files of a set by name, each with how to open it, and what was odd about where they lie.

    `made` is the newest time that a zip notes of its files: year to second, of a clock that it does not name.
    """

    name: str
    found: dict[str, Callable[[], IO[bytes]]]
    problems: list[Problem] = field(default_factory=list)
    made: tuple[int, int, int, int, int, int] | None = None


def find(path: Path) -> Files:
    """The files at a path. Raises `BulkError` when there can be none."""
    if not path.exists():
        raise BulkError(f"There is nothing at {path}. {_ASK}")
    if path.is_dir():
        return _in_folder(path)
    if path.suffix.lower() == ".csv":
        return Files(path.name, {path.name: _opener(path)})
    return in_zip(path.name, path)


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _in_folder(path: Path) -> Files:
    """What lies in a folder; when no CSV does, what lies in the one folder inside it."""
    files = [entry for entry in sorted(path.iterdir()) if entry.is_file()]
    if not any(_is_csv(entry.name) for entry in files):
        inside = [entry for entry in sorted(path.iterdir()) if entry.is_dir()]
        files += [entry for folder in inside for entry in sorted(folder.iterdir()) if entry.is_file()]
    return sorted_out(path.name, ((str(entry.relative_to(path)), _opener(entry)) for entry in files))


def in_zip(name: str, file: Path | IO[bytes]) -> Files:
    """The files in a zip, which is a path or an open file. Raises `BulkError`."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as wrong:
        raise BulkError(f"{name} is not a zip file, or it is cut off ({wrong}). {_ASK}") from wrong
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_ENTRIES:
        raise BulkError(
            f"{name} has more than {MOST_ENTRIES:,} files, as no OneRoster set has. Nothing was read."
        )
    for entry in entries:
        _must_be_safe(name, entry)
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise BulkError(f"{name} would unpack to more than {MOST_BYTES // 1024**3} GiB. Nothing was read.")
    files = sorted_out(name, ((entry.filename, _entry_opener(archive, entry)) for entry in entries))
    files.made = max((entry.date_time for entry in entries if _is_csv(entry.filename)), default=None)
    return files


def _must_be_safe(name: str, entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise BulkError(f"{name} is locked with a password. Make the zip without one, and try again.")
    if entry.file_size > max(_SMALL, MOST_TIMES * entry.compress_size):
        raise BulkError(
            f"{name} would unpack to more than {MOST_TIMES} times its size, as no roster does. Nothing was read."
        )


def _entry_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv") and not name.startswith(".")


def sorted_out(name: str, entries: Iterable[tuple[str, Callable[[], IO[bytes]]]]) -> Files:
    """Only the last part of a name counts, so none can point outside. Of two files of one name the upper one is read."""
    files = Files(name, {})
    by_depth = sorted(
        ((PurePosixPath(path.replace("\\", "/")), opener) for path, opener in entries), key=_depth
    )
    for path, opener in by_depth:
        if not _is_csv(path.name):
            files.problems.append(Problem("extra_file", path.name[:80]))
        elif path.name in files.found:
            files.problems.append(Problem("file_twice", path.name[:80]))
        else:
            files.found[path.name] = opener
            if len(path.parts) > 1:
                files.problems.append(Problem("in_folder", path.name[:80]))
    return files


def _depth(entry: tuple[PurePosixPath, object]) -> tuple[int, str]:
    return len(entry[0].parts), str(entry[0])


@contextmanager
def readable(name: str) -> Iterator[None]:
    """What may go wrong in reading a file's bytes, said as `BulkError`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as wrong:
        raise BulkError(
            f"{name} in the zip is damaged or cut off. Make the zip anew, and try again."
        ) from wrong
    except (NotImplementedError, RuntimeError) as wrong:
        raise BulkError(
            f"{name} is packed in a way that cannot be read. Make a plain zip, and try again."
        ) from wrong
    except OSError as wrong:
        raise BulkError(f"{name} cannot be read: {wrong.strerror or wrong}.") from wrong
