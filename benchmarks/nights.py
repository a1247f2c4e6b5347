"""What happens at the SIS between two measured nights."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

MANIFEST = ("manifest.version", "1.0"), ("oneroster.version", "1.2")
FILES = [
    *(
        "academicSessions",
        "categories",
        "classes",
        "classResources",
        "courses",
        "courseResources",
        "demographics",
    ),
    *("enrollments", "lineItems", "orgs", "resources", "results", "users", "lineItemLearningObjectiveIds"),
    *("lineItemScoreScales", "resultLearningObjectiveIds", "resultScoreScales", "roles", "scoreScales"),
    *("userProfiles", "userResources"),
]


Row = list[str]
# A user's number, the header and the user's row -> the row of the delta, None: as it was
Change = Callable[[int, list[str], Row], Row | None]


def one_in(many: int) -> Change:
    """Every so manieth user has another middle name."""
    return lambda number, header, user: (
        put(header, user, "middleName", "Changed") if number % many == 0 else None
    )


def half_leave(number: int, header: list[str], user: Row) -> Row:
    """Every second user is gone, the others have another given name."""
    return gone(user) if number % 2 else put(header, user, "givenName", "Changed")


def change_users(homeroom: Callable[..., Any], change: Change, only: str = "") -> Path:
    """A delta set of what a change makes of the SIS's users, or of those in one role only, with the roles of these."""
    folder = Path(tempfile.mkdtemp(prefix="homeroom-night-"))
    homeroom("sis", "export", str(folder / "all.zip"), "--version", "1.2")
    with zipfile.ZipFile(folder / "all.zip") as whole:
        header, *users = rows_of(whole, "users.csv")
        role_header, *roles = rows_of(whole, "roles.csv")
    owner, word = role_header.index("userSourcedId"), role_header.index("role")
    if only:
        ids = {role[owner] for role in roles if role[word] == only}
        users = [user for user in users if user[0] in ids]
    changed = [
        made for number, user in enumerate(users) if (made := change(number, header, user)) is not None
    ]
    status = {user[0]: user[1] for user in changed}
    mine = [
        gone(role) if status[role[owner]] != "active" else delta(role)
        for role in roles
        if role[owner] in status
    ]
    return write_delta(folder / "delta.zip", {"users": [header, *changed], "roles": [role_header, *mine]})


def rows_of(whole: zipfile.ZipFile, name: str) -> list[Row]:
    """The rows of a file of a set, the header first."""
    return list(csv.reader(io.TextIOWrapper(whole.open(name), "utf-8-sig")))


def put(header: list[str], row: Row, column: str, value: str) -> Row:
    """The row as a delta row, with a new value."""
    row = delta(row)
    row[header.index(column)] = value
    return row


def gone(row: Row) -> Row:
    """The row as a delta row of somebody who left."""
    return [row[0], "tobedeleted", *delta(row)[2:]]


def delta(row: list[str]) -> list[str]:
    """The row with the status and time that a delta row must have."""
    return [row[0], "active", "2026-11-01T00:00:00.000Z", *row[3:]]


def write_delta(path: Path, tables: dict[str, list[list[str]]]) -> Path:
    """A OneRoster CSV zip in which the given tables are deltas and all else is absent."""
    modes = [(f"file.{name}", "delta" if name in tables else "absent") for name in FILES]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in {
            **tables,
            "manifest": [["propertyName", "value"], *map(list, MANIFEST), *map(list, modes)],
        }.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            archive.writestr(f"{name}.csv", text.getvalue())
    return path


def grant_token(token_url: str, key: str, secret: str) -> str:
    """A bearer token for the floor's own download."""
    reply = urllib3.request(
        "POST",
        token_url,
        body="grant_type=client_credentials",
        headers={
            **urllib3.make_headers(basic_auth=f"{key}:{secret}"),
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    token: str = reply.json()["access_token"]
    return token
