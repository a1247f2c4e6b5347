"""Where a CSV set lies, and taking it as it is there: waited for while it is still being written, never followed elsewhere."""

import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import xxhash

from homeroom.oneroster.bulk.files import BulkError, Files, in_zip, sorted_out
from homeroom.sync.reading import SourceFailed

MOST_FILES = 2_000  # that a folder may hold beside a set
UNDER_WAY = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".uploading", ".writing")
ABANDONED = 3600.0  # seconds after which a half file is nobody's any more


@dataclass(frozen=True, slots=True)
class Seen:
    """One file as it lies there: name, bytes, and when it was last written, in seconds since 1970."""

    name: str
    size: int
    written: float


class Place(Protocol):
    """A folder with a set in it, or a zip; wherever it is. Both calls raise `SourceFailed`."""

    name: str

    def look(self) -> Sequence[Seen]:
        """The plain files that are there now. Links are none."""

    def open(self, name: str) -> IO[bytes]:
        """One of them, to be read from its beginning and from wherever one wants."""

    def close(self) -> None:
        """Lets go of what was opened."""


class Folder:
    """A folder of this machine, or one zip of it. Links are neither followed nor read, so nothing outside is ever opened."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self._opened: list[IO[bytes]] = []

    def look(self) -> Sequence[Seen]:
        """The plain files there."""
        try:
            if self.path.is_file() and not self.path.is_symlink():
                return [_seen(self.path.name, self.path.lstat())]
            with os.scandir(self.path) as entries:
                found = [
                    _seen(entry.name, entry.stat(follow_symlinks=False))
                    for entry in _few(entries)
                    if _is_plain(entry)
                ]
        except OSError as wrong:
            raise _unreachable(self.name, wrong) from wrong
        return sorted(found, key=lambda one: one.name)

    def open(self, name: str) -> IO[bytes]:
        """One file of the folder."""
        path = self.path if self.path.name == name and not self.path.is_dir() else self.path / name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as wrong:
            raise _unreachable(name, wrong) from wrong
        file = os.fdopen(handle, "rb")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            file.close()
            raise _failed(f"{name} is no plain file", "Put the exported file itself there, not a link to it.")
        self._opened.append(file)
        return file

    def close(self) -> None:
        """Closes what was opened."""
        while self._opened:
            self._opened.pop().close()


def _is_plain(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file(follow_symlinks=False) and not entry.is_symlink()


def _seen(name: str, of: os.stat_result) -> Seen:
    return Seen(name, of.st_size, of.st_mtime)


def _few(entries: Iterable["os.DirEntry[str]"]) -> Iterable["os.DirEntry[str]"]:
    for number, entry in enumerate(entries):
        if number >= MOST_FILES:
            raise too_many()
        yield entry


def too_many() -> SourceFailed:
    """What a folder with a crowd of files is answered."""
    return _failed(
        f"The folder holds more than {MOST_FILES:,} files",
        "Keep the newest export there and move the others away.",
    )


def _unreachable(name: str, wrong: OSError) -> SourceFailed:
    return SourceFailed(
        f"{name} cannot be read: {wrong.strerror or type(wrong).__name__}",
        "Look whether the export was put there, and whether Homeroom may read it.",
        retry=True,
    )


def _failed(message: str, cure: str, *, retry: bool = False) -> SourceFailed:
    return SourceFailed(message, cure, retry=retry)


@dataclass(frozen=True, slots=True)
class Patience:
    """How a set that is still being written is waited for. All in seconds."""

    settled: float = 300  # written longer ago than this, it is not being written any more
    quiet: float = 30  # else nothing of it may have moved for so long
    look_every: float = 5
    most: float = 600
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Taken:
    """A set as it was taken: its files, when it was made, and a mark that differs whenever anything of it does."""

    files: Files
    made: datetime
    seen: tuple[Seen, ...]
    mark: str = field(default="")


def take(place: Place, patience: Patience) -> Taken:
    """The set at a place, once nothing of it moves any more. Raises `SourceFailed` or `BulkError`."""
    seen = _quiet(place, patience)
    files = _files(place, seen)
    mark = xxhash.xxh3_128_hexdigest(repr(seen).encode())
    return Taken(files, _made(files, seen), seen, mark)


def has_moved(place: Place, taken: Taken) -> bool:
    """Whether the set at a place is another now than the one that was taken. Raises `SourceFailed`."""
    return _of_set(place.look()) != taken.seen


def _quiet(place: Place, patience: Patience) -> tuple[Seen, ...]:
    begun = since = patience.now()
    files = place.look()
    while _is_under_way(files, patience, since):
        if patience.now() - begun > patience.most:
            raise SourceFailed(
                f"The set in {place.name} is still being written: for {_time(patience.most)} something of it moved",
                "Let the export end before the time of the sync, or write it elsewhere and move it there when it is done.",
                retry=True,
            )
        patience.sleep(patience.look_every)
        again = place.look()
        since, files = (since if again == files else patience.now()), again
    return _of_set(files)


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _is_under_way(files: Sequence[Seen], patience: Patience, since: float) -> bool:
    now = patience.now()
    if any(file.name.lower().endswith(UNDER_WAY) and abs(now - file.written) < ABANDONED for file in files):
        return True
    newest = max((file.written for file in files if _is_wanted(file.name)), default=0.0)
    # A time ahead of ours is as good as just now: then only what can be seen counts.
    return now - newest < patience.settled and now - since < patience.quiet


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((".csv", ".zip")) and not name.startswith((".", "~"))


def _of_set(files: Sequence[Seen]) -> tuple[Seen, ...]:
    """The files of the set: the CSV files, or of zips the newest one."""
    wanted = [file for file in files if _is_wanted(file.name)]
    tables = tuple(file for file in wanted if file.name.lower().endswith(".csv"))
    zips = [file for file in wanted if file not in tables]
    if tables and zips:
        raise _failed(
            "There are both CSV files and zips, so that nobody can tell which of them is today's roster",
            "Keep the export in one form: CSV files, or zips of which the newest is read.",
        )
    return tables or tuple(sorted(zips, key=lambda file: (file.written, file.name))[-1:])


def _files(place: Place, seen: tuple[Seen, ...]) -> Files:
    if not seen:
        raise BulkError(
            f"No OneRoster CSV set is in {place.name}: neither CSV files nor a zip. Export it there, or name another folder."
        )
    if seen[0].name.lower().endswith(".zip"):
        return in_zip(seen[0].name, place.open(seen[0].name))
    return sorted_out(place.name, ((file.name, _opener(place, file.name)) for file in seen))


def _opener(place: Place, name: str) -> Callable[[], IO[bytes]]:
    return lambda: place.open(name)


def _made(files: Files, seen: tuple[Seen, ...]) -> datetime:
    """When a set was made: what a zip notes of its files, where it does, else when the newest file was written."""
    if files.made is not None and files.made[0] > 1980:  # 1980 stands for no time at all
        try:
            return datetime(*files.made, tzinfo=UTC)
        except ValueError:
            pass
    return datetime.fromtimestamp(max(file.written for file in seen), UTC)
