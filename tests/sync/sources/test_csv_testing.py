"""Test Connection of a CSV set, point by point."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace as but

from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.sync.reading import Check, ConnectionTest
from homeroom.sync.sources.csv_set import CsvSource
from homeroom.sync.sources.csv_testing import test as try_set
from homeroom.sync.sources.places import Folder
from tests.sync.sources.cuts import Files, gone, swapped
from tests.sync.sources.ways import AT_ONCE, LINCOLN, District, district, files_of, lying

NOW = datetime(2026, 8, 3, 6, tzinfo=UTC)
NAMES = [
    *("set", "schools", "school_id", "people", "emails", "numbers", "roles", "guardians", "sample"),
    *("rows", "whole"),
]


def source(
    of: District, path: Path, version: str = V1P1, change: Callable[[Files], object] = lambda files: None
) -> CsvSource:
    files = files_of(of, version, path)
    change(files)
    folder = lying(files, path / "export")
    for file in folder.iterdir():
        os.utime(file, (NOW.timestamp() - 3600,) * 2)
    return CsvSource(Folder(folder), patience=AT_ONCE)


def tried(of: District, path: Path, school_id: str = "004", version: str = V1P1) -> ConnectionTest:
    return try_set(source(of, path, version), school_id, NOW)


def points(answer: ConnectionTest) -> dict[str, Check]:
    return {check.name: check for check in answer.checks}


@pytest.mark.parametrize("version", [V1P1, V1P2])
def test_every_point_is_answered_once_and_in_order(version: str, tmp_path: Path) -> None:
    answer = tried(district(), tmp_path, version=version)
    assert [check.name for check in answer.checks] == NAMES
    assert answer.ok
    said = points(answer)
    assert "Lincoln High" in said["schools"].detail
    assert f"id {LINCOLN}" in said["schools"].detail
    assert "29 student" in said["people"].detail
    assert "29 students" in said["emails"].detail
    assert "29 students" in said["numbers"].detail
    assert said["guardians"].ok
    assert not any(check.ask for check in answer.checks)  # asks are worded for servers


def test_the_sample_shows_five_people_of_the_school_masked(tmp_path: Path) -> None:
    answer = tried(district(), tmp_path)
    assert len(answer.sample) == 5
    assert all(row["name"] in ("A. L.", "A. L. L.") or row["name"].count(".") for row in answer.sample)
    assert all(set(row["number"]) <= {"•"} for row in answer.sample)
    assert not any(row["email"].split("@")[0].strip("•") for row in answer.sample)


def test_what_the_export_leaves_out_is_named_with_the_column_that_holds_it(tmp_path: Path) -> None:
    users = tuple(but(one, email="", identifier="", agents=()) for one in district().users)
    users = tuple(one for one in users if one.sourced_id not in ("p1", "p2"))
    said = points(tried(replace(district(), users=users), tmp_path))
    assert (said["emails"].ok, said["numbers"].ok, said["guardians"].ok) == (None, None, None)
    assert "column email" in said["emails"].cure
    assert "column identifier" in said["numbers"].cure
    assert "agentSourcedIds" in said["guardians"].cure


def test_a_role_word_of_its_own_is_a_point_beside_the_counts(tmp_path: Path) -> None:
    odd = source(district(), tmp_path, change=swapped("users.csv", b",aide,", b",Lunch Lady,"))
    said = points(try_set(odd, "004", NOW))
    assert "29 student" in said["people"].detail
    assert said["roles"].ok is None
    assert "lunch lady" in said["roles"].detail


def test_without_a_school_what_needs_one_says_so_and_the_rest_is_answered(tmp_path: Path) -> None:
    answer = tried(district(), tmp_path, "999")
    said = points(answer)
    assert list(said) == NAMES
    assert [name for name in NAMES if not said[name].tried] == ["people", "emails", "numbers", "sample"]
    assert "School ID" in said["people"].detail


def test_a_school_of_which_nobody_came_says_where_its_people_belong(tmp_path: Path) -> None:
    users = tuple(one for one in district().users if all(part.org != LINCOLN for part in one.roles))
    said = points(tried(replace(district(), users=users), tmp_path))
    assert said["people"].ok is None
    assert f"None of the {len(users)} people" in said["people"].detail
    assert "orgSourcedIds" in said["people"].cure


def test_a_file_left_over_from_an_older_export_is_named(tmp_path: Path) -> None:
    of = source(district(), tmp_path, V1P2)
    old = (NOW - timedelta(days=40)).timestamp()
    os.utime(tmp_path / "export" / "roles.csv", (old, old))
    said = points(try_set(of, "004", NOW))
    assert said["set"].ok is None
    assert "roles.csv is of 24 June 2026" in said["set"].detail


def test_an_export_that_stopped_says_how_old_it_is(tmp_path: Path) -> None:
    said = points(try_set(source(district(), tmp_path), "004", NOW + timedelta(days=9)))
    assert said["set"].ok is None
    assert "9 days old" in said["set"].detail


@pytest.mark.parametrize(
    ("version", "name"), [(V1P1, "users.csv"), (V1P1, "orgs.csv"), (V1P2, "users.csv"), (V1P2, "roles.csv")]
)
def test_a_set_that_lacks_a_file_that_everybody_needs_fails(version: str, name: str, tmp_path: Path) -> None:
    answer = try_set(source(district(), tmp_path, version, gone(name)), "004", NOW)
    said = points(answer)
    assert said["set"].ok is False
    assert f"{name} cannot be read or is not there" in said["set"].detail
    assert name in said["set"].cure


@pytest.mark.parametrize(("mark", "word"), [(b";", "semicolons"), (b"\t", "tabs"), (b"|", "bars")])
def test_cells_that_are_not_parted_by_commas_are_named_as_such(
    mark: bytes, word: str, tmp_path: Path
) -> None:
    said = points(
        try_set(source(district(), tmp_path, change=swapped("users.csv", b",", mark, -1)), "004", NOW)
    )
    assert said["set"].ok is False
    assert f"by {word}" in said["set"].detail


def test_a_set_without_proof_says_so_and_is_tested_all_the_same(tmp_path: Path) -> None:
    said = points(try_set(source(district(), tmp_path, change=gone("manifest.csv")), "004", NOW))
    assert said["whole"].ok is None
    assert "29 student" in said["people"].detail


def test_people_of_the_school_can_be_shown_by_name(tmp_path: Path) -> None:
    rows = source(district(), tmp_path).some_people(LINCOLN)
    assert len(rows) == 5
    assert {row["role"] for row in rows} >= {"student", "teacher"}
    assert all(row["name"] for row in rows)
