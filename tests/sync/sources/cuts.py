"""CSV sets that are not whole, a row each: what is wrong, and the words of the reason. Nobody is ever archived from one.

The tests try every row with a full sync; docs/reliability.md shows them.
"""

from collections.abc import Callable
from dataclasses import dataclass

Files = dict[str, bytes]


@dataclass(frozen=True)
class Cut:
    """One way for a whole set of 1.2 not to be one any more. `failed` = nothing could be read at all."""

    does: str
    change: Callable[[Files], object]
    why: str
    failed: bool = False


def half(name: str) -> Callable[[Files], object]:
    return lambda files: files.update({name: files[name][: len(files[name]) // 2]})


def rows(name: str, number: int) -> Callable[[Files], object]:
    """The file ends after so many lines, exactly at the end of one."""
    return lambda files: files.update({name: b"".join(files[name].splitlines(keepends=True)[:number])})


def gone(name: str) -> Callable[[Files], object]:
    return lambda files: files.pop(name)


def called(table: str, mode: str) -> Callable[[Files], object]:
    """What manifest.csv says of a file."""
    return swapped("manifest.csv", f"{table},bulk".encode(), f"{table},{mode}".encode())


def swapped(name: str, old: bytes, new: bytes, times: int = 1) -> Callable[[Files], object]:
    return lambda files: files.update({name: files[name].replace(old, new, times)})


def dated(files: Files) -> None:
    """Every row of users.csv has the status and date of a delta."""
    head, *others = files["users.csv"].split(b"\r\n")
    stamped = [row.replace(b",,,", b",active,2026-06-01T00:00:00.000Z,", 1) for row in others]
    files["users.csv"] = b"\r\n".join([head, *stamped])


CUTS = [
    Cut("users.csv is cut in the middle", half("users.csv"), "users.csv"),
    Cut("users.csv is cut exactly between two rows", rows("users.csv", 20), "not in users.csv"),
    Cut(
        "users.csv is cut within its last cell",
        lambda files: files.update({"users.csv": files["users.csv"][:-2]}),
        "breaks off",
    ),
    Cut("users.csv is its header alone", rows("users.csv", 1), "no people at all"),
    Cut(
        "users.csv is empty",
        lambda files: files.update({"users.csv": b""}),
        "users.csv is empty",
        failed=True,
    ),
    Cut("users.csv is not there", gone("users.csv"), "not in the set"),
    Cut("orgs.csv is not there", gone("orgs.csv"), "not in the set"),
    Cut(
        "orgs.csv lacks the school",
        swapped("orgs.csv", b"org-lincoln,", b"org-other,"),
        "not in the SIS's list",
    ),
    Cut("roles.csv is cut in the middle", half("roles.csv"), "roles.csv"),
    Cut("roles.csv is cut exactly between two rows", rows("roles.csv", 20), "have no role"),
    Cut(
        "one of two roles of a person stands in a row with a cell too many",
        swapped("roles.csv", b"t1.2,", b"t1.2,,"),
        "may be anybody's",
    ),
    Cut("roles.csv is not there", gone("roles.csv"), "not in the set"),
    Cut("there is no manifest.csv", gone("manifest.csv"), "no manifest.csv says"),
    Cut("manifest.csv calls users a delta", called("users", "delta"), "holds changes"),
    Cut("manifest.csv calls users absent", called("users", "absent"), "holds changes"),
    Cut("manifest.csv calls roles a delta", called("roles", "delta"), "holds changes"),
    Cut("every row of users.csv is dated, as in a delta", dated, "has a date"),
    Cut("a row has no sourcedId", swapped("users.csv", b"s04,", b","), "may be anybody's"),
    Cut("a row has a cell too many", swapped("users.csv", b"s04,", b"s04,,"), "may be anybody's"),
    Cut("a sourcedId comes twice", swapped("users.csv", b"s04,", b"s05,"), "twice"),
    Cut("an open quote swallows rows", lambda files: swallowing(files), "may be anybody's"),
    Cut("two rows are glued together", lambda files: glued(files), "may be anybody's"),
]


def swallowing(files: Files) -> None:
    """In the same column of two rows a quote opens, and closes: what lies between reads like one cell."""
    files["users.csv"] = (
        files["users.csv"].replace(b"Lopez s04", b'"Lopez s04', 1).replace(b"Lopez s08", b'Lopez s08"', 1)
    )


def glued(files: Files) -> None:
    lines = files["users.csv"].split(b"\r\n")
    files["users.csv"] = b"\r\n".join([*lines[:5], lines[5] + lines[6], *lines[7:]])
