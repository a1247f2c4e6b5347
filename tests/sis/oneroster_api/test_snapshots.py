"""A snapshot answers as the database does, whatever is asked; and it is made once, of one revision, and taken away when it is old."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as some

from homeroom.oneroster import filter as filters
from homeroom.oneroster.endpoints import ENDPOINTS, V1P1, V1P2, Endpoint
from homeroom.oneroster.paging import Window
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.pages import Page, from_database, from_snapshot
from homeroom.sis.oneroster_api.questions import Question, begin, condition
from homeroom.sis.oneroster_api.snapshot import SMALL, Snapshot, _runs, _runs_by_leaps
from homeroom.sis.oneroster_api.snapshots import Snapshots, write
from homeroom.sis.oneroster_api.sql import UnknownField, order
from homeroom.sis.records.generate import district, generate_district
from homeroom.sis.records.models import Record, Share

ROOT = "https://sis.example"
FILTERS = {
    "users": ("status='active'", "roles.role='student'", "familyName~'a' OR grades='03'", "givenName>='M' AND status='active'", "email=''"),
    "classes": ("status='active'", "title~'a'", "status='tobedeleted'"),
    "enrollments": ("role='student'", "primary='true' OR role='student'"),
}  # fmt: skip
SORTS = ("sourcedId", "dateLastModified", "status", "familyName", "title")
known = list(district(40, 2, 5))
ids = {name: [one.sourced_id for one in known if KINDS[type(one)] == name] for name in KINDS.values()}
OF_PARENT = {
    "school": "orgs",
    "class": "classes",
    "term": "academicSessions",
    "course": "courses",
    **dict.fromkeys(("student", "teacher", "user"), "users"),
}


@pytest.fixture
def all_data(transactional_db: object) -> None:
    """The row that a migration made, which the test before this one took away."""
    Share.objects.get_or_create(pk=0)


@pytest.fixture
def snapshots(all_data: None, tmp_path: Path) -> dict[tuple[str, str], Snapshot]:
    generate_district(40, 2, 5, timezone.now())
    Record.objects.filter(kind="users", sourced_id__in=ids["users"][:9]).update(status="tobedeleted")
    made = {}
    for version in (V1P1, V1P2):
        for kind in KINDS.values():
            write(tmp_path / f"{kind}.{version}", ROOT, (0, revision(), kind, version))
            made[kind, version] = Snapshot(tmp_path / f"{kind}.{version}")
    return made


def revision() -> int:
    return Share.objects.get(pk=0).revision


@some.composite
def questions(draw: Any) -> Question:
    endpoint: Endpoint = draw(some.sampled_from(ENDPOINTS))
    version = draw(some.sampled_from((V1P1, V1P2)))
    field = draw(some.sampled_from((None, *SORTS)))
    direction = draw(some.sampled_from(("ASC", "DESC")))
    try:
        ordered = order(field, direction, version, endpoint.kind)
    except UnknownField:
        ordered = order(None, direction, version, endpoint.kind)
    kinds = [OF_PARENT[name] for name in endpoint.parents] or [endpoint.kind] * endpoint.single
    of = tuple(draw(some.sampled_from([*ids[kind], "nobody"])) for kind in kinds)
    said = [*draw(some.sampled_from([(), *((one,) for one in FILTERS.get(endpoint.kind, ()))]))]
    if endpoint.single:
        return Question(endpoint, of, version, Window(1, 0))
    if draw(some.booleans()):
        said.append(f"sourcedId>'{draw(some.sampled_from([*ids[endpoint.kind], '', '~']))}'")
    wanted = filters.parse(" AND ".join(said)) if said else None
    try:
        after, rest = begin(wanted, ordered)
        where = condition(rest, version, endpoint.kind)
    except UnknownField:
        after, where = None, None
    window = Window(draw(some.integers(1, 60)), draw(some.integers(0, 90)))
    return Question(endpoint, of, version, window, after, where, ordered)


def read(page: Page) -> tuple[bytes, int, int, int]:
    said = b"".join(page.records.pieces()).replace(f"{ROOT}/ims/oneroster/v1p1".encode(), b"~")
    return (
        said.replace(f"{ROOT}/ims/oneroster/rostering/v1p2".encode(), b"~"),
        page.number,
        page.total,
        page.revision,
    )


def test_it_answers_as_the_database_does(snapshots: dict[tuple[str, str], Snapshot]) -> None:
    caller = Caller(1, 1, frozenset(), 0, revision(), False)

    @given(questions())
    def law(question: Question) -> None:
        snapshot = snapshots[question.endpoint.kind, question.version]
        for _ in range(2):  # found, and then kept
            page = from_snapshot(snapshot, question, caller)
            assert page is not None
            assert page.records.size == sum(map(len, page.records.pieces()))
            assert read(page) == read(from_database(question, caller))

    law()


def test_a_large_selection_is_kept_in_a_file_for_other_processes(
    snapshots: dict[tuple[str, str], Snapshot],
) -> None:
    users = snapshots["users", V1P2]
    numbers = (
        Record.objects.filter(kind="users", share=0).order_by("-sourced_id").values_list("id", flat=True)
    )
    some_rows = list(numbers)
    found = b"".join(one.to_bytes(8, "big") for one in some_rows * (SMALL // len(some_rows) + 1))
    kept = users.keep("large", found, ordered=True)
    assert list(kept[: len(some_rows)]) == list(reversed(range(len(some_rows))))
    other = Snapshot(users.folder).selection("large")
    assert other is not None
    assert list(other[:]) == list(kept[:])


def test_a_share_that_moved_on_is_not_written(
    snapshots: dict[tuple[str, str], Snapshot], tmp_path: Path
) -> None:
    write(tmp_path / "old", ROOT, (0, revision() - 1, "users", V1P1))
    assert not (tmp_path / "old").exists()
    caller = Caller(1, 1, frozenset(), 0, revision() - 1, False)
    question = Question(ENDPOINTS[0], (), V1P1, Window(), where=("status = %s", ["active"]))
    assert from_snapshot(snapshots[ENDPOINTS[0].kind, V1P1], question, caller) is None


def test_it_is_made_when_first_asked_for_and_the_old_one_goes(all_data: None, tmp_path: Path) -> None:
    generate_district(10, 1, 5, timezone.now())
    kept = Snapshots(tmp_path)

    def ready() -> Snapshot:
        key = (0, revision(), "users", V1P1)
        while (found := kept.find(ROOT, key)) is None:
            kept.wait()
        return found

    first = ready()
    assert msgspec.json.decode(b"[" + b"".join(first.pieces(first.stretches(first.rows("student")))) + b"]")
    Share.objects.filter(pk=0).update(revision=revision() + 1)
    second = ready()
    assert second.folder != first.folder
    assert not first.folder.exists()
    assert ready() is second


@given(some.sets(some.integers(0, 300)).map(sorted))
def test_leaps_find_the_runs_that_a_walk_finds(rows: list[int]) -> None:
    walked = list(_runs(rows)) if rows else []
    assert list(_runs_by_leaps(rows)) == walked
    assert [row for first, last in walked for row in range(first, last + 1)] == rows
