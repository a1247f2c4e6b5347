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


def change_one_percent(homeroom: Callable[..., Any]) -> Path:
    """A delta set in which every hundredth user of the SIS has another middle name."""
    folder = Path(tempfile.mkdtemp(prefix="homeroom-night-"))
    homeroom("sis", "export", str(folder / "all.zip"), "--version", "1.2")
    with zipfile.ZipFile(folder / "all.zip") as whole:
        header, *users = list(csv.reader(io.TextIOWrapper(whole.open("users.csv"), "utf-8-sig")))
        _, *roles = list(csv.reader(io.TextIOWrapper(whole.open("roles.csv"), "utf-8-sig")))
        role_header = next(csv.reader(io.TextIOWrapper(whole.open("roles.csv"), "utf-8-sig")))
    changed = [moved(header, user) for user in users[::100]]
    ids = {user[0] for user in changed}
    mine = [delta(role) for role in roles if role[role_header.index("userSourcedId")] in ids]
    return write_delta(folder / "delta.zip", {"users": [header, *changed], "roles": [role_header, *mine]})


def moved(header: list[str], user: list[str]) -> list[str]:
    """The user's row as a delta row, with a new middle name."""
    user = delta(user)
    user[header.index("middleName")] = "Changed"
    return user


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
