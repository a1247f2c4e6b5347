"""Every operation of the standard, in both versions, against a small known district."""

from typing import Any

import pytest

from homeroom.oneroster.endpoints import ENDPOINTS, Endpoint
from tests.conftest import SisSite
from tests.wire.calls import everything
from tests.wire.test_client_server import VERSIONS, get, known

OPERATIONS = pytest.mark.parametrize(
    "endpoint", ENDPOINTS, ids=[endpoint.operation for endpoint in ENDPOINTS]
)


@pytest.fixture(scope="module")
def headers(sis_site: SisSite) -> dict[str, str]:
    return everything(sis_site)


def expected(endpoint: Endpoint, ids: tuple[str, ...]) -> set[str]:
    """The sourcedIds that an operation must give, read off the district in plain Python."""
    by_kind: dict[str, list[Any]] = {}
    for record in known():
        by_kind.setdefault(type(record).__name__, []).append(record)
    word = {"orgs": "Org", "users": "User", "academicSessions": "AcademicSession", "courses": "Course", "classes": "Class",
            "enrollments": "Enrollment", "demographics": "Demographics"}[endpoint.kind]  # fmt: skip
    rows = by_kind[word]
    parents = dict(zip(endpoint.parents, ids, strict=True)) if endpoint.parents else {}
    enrolled = by_kind["Enrollment"]
    if endpoint.kind == "users" and "class" in parents:
        people = {e.user for e in enrolled if e.class_ == parents["class"] and e.role == endpoint.subset}
        return {row.sourced_id for row in rows if row.sourced_id in people}
    if endpoint.kind == "users" and "school" in parents:
        return {
            row.sourced_id
            for row in rows
            if any(r.role == endpoint.subset and r.org == parents["school"] for r in row.roles)
        }
    if endpoint.kind == "users" and endpoint.subset:
        return {row.sourced_id for row in rows if any(r.role == endpoint.subset for r in row.roles)}
    if endpoint.subset and endpoint.kind in ("orgs", "academicSessions"):
        rows = [row for row in rows if row.type == endpoint.subset]
    return {row.sourced_id for row in rows if _of_parents(row, endpoint, parents, by_kind)}


def _of_parents(row: Any, endpoint: Endpoint, parents: dict[str, str], by_kind: dict[str, list[Any]]) -> bool:
    for name, id_ in parents.items():
        if name in ("student", "teacher", "user"):
            mine = [e for e in by_kind["Enrollment"] if e.user == id_ and name in ("user", e.role)]
            good = row.sourced_id in {e.class_ for e in mine}
        elif name == "term":
            good = id_ in row.terms if endpoint.kind == "classes" else row.parent == id_
        elif name == "school" and endpoint.kind == "academicSessions":
            good = row.sourced_id in {term for c in by_kind["Class"] if c.school == id_ for term in c.terms}
        elif name == "school":
            good = (row.org if endpoint.kind == "courses" else row.school) == id_
        elif name == "course":
            good = row.course == id_
        else:
            good = row.class_ == id_
        if not good:
            return False
    return True


def example(name: str) -> str:
    """An id for each placeholder, of a class and the people in it."""
    enrollment = next(
        record for record in known() if type(record).__name__ == "Enrollment" and record.role == "student"
    )
    teaching = next(
        r
        for r in known()
        if type(r).__name__ == "Enrollment" and r.role == "teacher" and r.class_ == enrollment.class_
    )
    taught = next(
        record
        for record in known()
        if type(record).__name__ == "Class" and record.sourced_id == enrollment.class_
    )
    ids = {"school": taught.school, "class": taught.sourced_id, "course": taught.course, "term": taught.terms[0],
           "student": enrollment.user, "user": enrollment.user, "teacher": teaching.user}  # fmt: skip
    return str(ids[name])


@VERSIONS
@OPERATIONS
def test_an_operation_gives_what_the_district_has(
    sis_site: SisSite, headers: dict[str, str], version: str, endpoint: Endpoint
) -> None:
    if endpoint.single:
        some = min(expected(endpoint, ()))
        answer = get(sis_site, endpoint.path.replace("{id}", some), headers, version)
        assert (answer.status, list(answer.json())) == (200, [endpoint.key])
        assert answer.json()[endpoint.key]["sourcedId"] == some
        return
    ids = tuple(example(name) for name in endpoint.parents)
    path = endpoint.path
    for name, id_ in zip(endpoint.parents, ids, strict=True):
        path = path.replace(f"{{{name}}}", id_)
    answer = get(sis_site, path, headers, version, limit="10000")
    assert answer.status == 200, answer.data
    assert {row["sourcedId"] for row in answer.json()[endpoint.key]} == expected(endpoint, ids)
    assert answer.headers["X-Total-Count"] == str(len(expected(endpoint, ids)))
    assert expected(endpoint, ids)
