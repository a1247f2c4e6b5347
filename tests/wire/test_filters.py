"""Filters and sorts against a plain Python reading of the same grammar: all fields of all kinds, in both versions, over odd data too."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from homeroom.oneroster.endpoints import SINGLE
from homeroom.oneroster.fields import FIELDS, PARTS, REFERENCE
from homeroom.oneroster.filter import OPERATORS, Clause, Filter, parse
from tests.conftest import SisSite
from tests.oneroster.reading import holds
from tests.wire.calls import everything, http, records
from tests.wire.test_client_server import VERSIONS

KINDS = pytest.mark.parametrize("kind", SINGLE)


@pytest.fixture(scope="module", params=["a lifelike district", "an odd one"])
def site(request: pytest.FixtureRequest) -> SisSite:
    name = "sis_site" if request.param == "a lifelike district" else "odd_site"
    found: SisSite = request.getfixturevalue(name)
    return found


@pytest.fixture(scope="module")
def headers(site: SisSite) -> dict[str, str]:
    return everything(site)


def names_of(version: str, kind: str) -> list[str]:
    """Every dotted name that leads to a value."""
    found = ["metadata.title", "metadata.jp.kana", "metadata.custody", "metadata.nothing"]
    for field in FIELDS[version][kind].values():
        if field.holds in PARTS[version]:
            parts = [part for part in PARTS[version][field.holds].values() if part.holds != "free"]
            found += [f"{field.name}.{part.name}" for part in parts]
            found += [
                f"{field.name}.{part.name}.{last}" for part in parts if part.target for last in REFERENCE
            ]
        elif field.holds != "free":
            found.append(field.name)
            found += [f"{field.name}.{last}" for last in REFERENCE] if field.target else []
    return found


def texts(value: Any) -> list[str]:
    """Every text in a record."""
    if isinstance(value, dict | list):
        return [text for one in (value.values() if isinstance(value, dict) else value) for text in texts(one)]
    return [str(value)]


def changed(text: str, chance: random.Random) -> str:
    """A text as a filter may say it: whole, a piece of it, in other letters, with another."""
    return chance.choice(
        [
            text,
            text,
            text[: len(text) // 2],
            text[1:],
            text.upper(),
            text.lower(),
            f"{text},09",
            f" {text}",
            text + "T00:00:00Z",
        ]
    )


def values(field: str, pool: list[str]) -> some.SearchStrategy[str]:
    if field == "dateLastModified":
        stamps = [text for text in pool if text.endswith("Z") and len(text) == 24]
        return some.sampled_from(stamps).flatmap(
            lambda stamp: some.sampled_from(
                [
                    stamp,
                    stamp[:10],
                    stamp[:19] + "Z",
                    stamp[:-1] + "+00:00",
                    stamp[:19],
                    "2030-01-01T00:00:00+02:00",
                ]
            )
        )
    said = some.builds(changed, some.sampled_from(pool), some.randoms(use_true_random=False))
    return said | some.sampled_from(
        ["", "active", "true", "student", "O'Hara", "%", "_", "\\", '"', "ё", "Å", "2026-01-01T00:00:00Z"]
    )


def filters(version: str, kind: str, rows: list[dict[str, Any]]) -> some.SearchStrategy[Filter]:
    pool = sorted({text for row in rows[:60] for text in texts(row)})

    def clause(field: str) -> some.SearchStrategy[Clause]:
        operators = OPERATORS if field != "dateLastModified" else tuple(op for op in OPERATORS if op != "~")
        return some.builds(Clause, some.just(field), some.sampled_from(operators), values(field, pool))

    clauses = some.sampled_from(names_of(version, kind)).flatmap(clause)
    groups = some.lists(some.lists(clauses, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3)
    return groups.map(lambda made: Filter(tuple(made)))


def spoken(wanted: Filter) -> some.SearchStrategy[str]:
    """The text of a filter, with AND and OR in any case."""
    return some.builds(
        lambda either, both: f" {either} ".join(
            f" {both} ".join(map(str, clauses)) for clauses in wanted.alternatives
        ),
        some.sampled_from(["OR", "or", "Or"]),
        some.sampled_from(["AND", "and", "aNd"]),
    )


@pytest.mark.slow
@VERSIONS
@KINDS
def test_filters_agree_with_a_plain_reading_of_the_grammar(
    site: SisSite, headers: dict[str, str], version: str, kind: str
) -> None:
    rows = records(site, version, f"/{kind}", headers)

    @settings(max_examples=60)
    @given(some.data())
    def agrees(data: Any) -> None:
        wanted = data.draw(filters(version, kind, rows))
        said = data.draw(spoken(wanted))
        found = {
            row["sourcedId"]
            for row in records(site, version, f"/{kind}", headers, filter=said, fields="sourcedId")
        }
        assert found == {row["sourcedId"] for row in rows if holds(wanted, row)}, said

    agrees()


@pytest.mark.slow
@VERSIONS
@KINDS
def test_pages_under_any_sort_join_to_the_whole(
    site: SisSite, headers: dict[str, str], version: str, kind: str
) -> None:
    rows = {row["sourcedId"]: row for row in records(site, version, f"/{kind}", headers)}

    @settings(max_examples=12)
    @given(some.sampled_from([*names_of(version, kind), "metadata"]), some.sampled_from("asc desc ASC Desc acs descending".split()),
           some.integers(max(len(rows) // 4, 1), len(rows) + 3))  # fmt: skip
    def join(field: str, direction: str, size: int) -> None:
        read: list[str] = []
        for offset in range(0, len(rows) + size, size):
            asked = {
                "sort": field,
                "orderBy": direction,
                "limit": str(size),
                "offset": str(offset),
                "fields": "sourcedId",
            }
            read += [row["sourcedId"] for row in records(site, version, f"/{kind}", headers, **asked)]
        assert sorted(read) == sorted(rows), (field, direction, size)
        if field in FIELDS[version][kind] and FIELDS[version][kind][field].holds in (
            "text",
            "day",
            "flag",
            "word",
        ):
            keys = [rows[id_].get(field) for id_ in read]
            said = [key[0] if isinstance(key, list) else key for key in keys if key is not None]
            assert said == sorted(said, reverse=direction.lower().startswith("d")), (field, direction)
            assert keys[len(said) :] == [None] * (len(keys) - len(said))  # what is not there comes last

    join()


USERS = [  # what is asked, and who of the odd district answers, in 1.1 and in 1.2
    ("status='active'", "u/1 g1 g2 t1 c1 x1 pg st ad", None),
    ("status!='active'", "", None),
    ("role='student'", "u/1", 400),
    ("roles.role='student'", 400, "u/1"),
    ("roles.role='teacher' AND roles.org.sourcedId='s@2'", 400, "t1"),
    ("roles='student'", 400, 400),
    ("roles.roleType='secondary'", 400, "t1"),
    ("orgs.sourcedId='s@2'", "t1", 400),
    ("orgs='s@2,s/1'", "t1", 400),
    ("agents.sourcedId='u/1'", "g1 g2", None),
    ("agents='g1,g2'", "u/1", None),
    ("agents.sourcedId~'g2,nobody'", "u/1", None),
    ("grades='09'", "u/1", None),
    ("grades='09,10'", "u/1", None),
    ("grades='09, 11'", "", None),
    ("grades~'11,10'", "u/1", None),
    ("grades!=''", "u/1", None),
    ("grades>'09'", "u/1", None),
    ("userIds.identifier='x'", "u/1", None),
    ("userIds.type='LDAP' AND userIds.identifier='9'", "u/1", None),
    ("familyName='O''Hara, \"Z\"'", "u/1", None),
    ("familyName='O%27Hara, \"Z\"'", "u/1", None),
    ("familyName~'o''hara'", "u/1", None),
    ("familyName~'ångström'", "g1", None),
    ("familyName~'ÅNG'", "g1", None),
    ("familyName='名前'", "g2", None),
    ("givenName='zoë'", "", None),
    ("email='Zoe@x.example'", "u/1", None),
    ("email='zoe@x.example'", "", None),
    ("email=''", "g2 c1 x1 pg st ad", None),
    ("email!=''", "u/1 g1 t1", None),
    ("enabledUser=false", "g2", None),
    ("enabledUser='False'", "g2", None),
    ("identifier=1", "u/1", None),
    ("metadata.custody='both'", "u/1", None),
    ("metadata='both'", 400, 400),
    ("dateLastModified<2000-01-01", "", None),
    ("dateLastModified>'2000-01-01T00:00:00 02:00'", "u/1 g1 g2 t1 c1 x1 pg st ad", None),
    ("dateLastModified>'soon'", 400, 400),
    ("dateLastModified>'2026-02-30T00:00:00Z'", 400, 400),
    ("dateLastModified~'T'", "u/1 g1 g2 t1 c1 x1 pg st ad", None),
    ("sourcedId='g1' or sourcedId='g2' AnD enabledUser='true'", "g1", None),
    ("givenName='Zoë' AND sourcedId='g1' OR sourcedId='t1'", "t1", None),
    ("password='hush'", "", None),
    ("nothing='x'", 400, 400),
    ("sourcedid='g1'", 400, 400),
    ("agents.email='x'", 400, 400),
    ("givenName.x='x'", 400, 400),
    ("email!='' AND (grades='09' OR familyName~'ångström')", "u/1 g1", None),
    ('familyName="O\'Hara, ""Z"""', "u/1", None),
    ("(givenName='x'", 400, 400),
    ("givenName='x' AND", 400, 400),
    ("givenName LIKE 'x'", 400, 400),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "in_1p1", "in_1p2"), USERS)
def test_who_answers_a_filter(
    odd_site: SisSite, wanted: str, in_1p1: str | int, in_1p2: str | int | None
) -> None:
    bearer = everything(odd_site)
    for version, expected in (("1.1", in_1p1), ("1.2", in_1p1 if in_1p2 is None else in_1p2)):
        answer = http.request(
            "GET", f"{odd_site.base(version)}/users", fields={"filter": wanted}, headers=bearer
        )
        if isinstance(expected, int):
            assert answer.status == expected, wanted
            assert "invalid_filter_field" in answer.data.decode()
        else:
            assert {user["sourcedId"] for user in answer.json()["users"]} == set(expected.split()), wanted
            assert answer.headers["X-Total-Count"] == str(len(expected.split()))


@pytest.mark.parametrize(
    ("path", "wanted", "expected"),
    [
        ("/classes", "school.sourcedId='s/1'", "k/1 k3"),
        ("/classes", "school='s@2'", "k2"),
        ("/classes", "terms.sourcedId='sem,t1'", "k/1"),
        ("/classes", "course.href~'/courses/bare'", "k2 k3"),
        ("/classes", "periods='2'", "k/1"),
        ("/enrollments", "class.sourcedId='k/1' AND role='student'", "e1"),
        ("/enrollments", "primary=true", "e2"),
        ("/enrollments", "primary=TRUE OR user.sourcedId='u/1'", "e1 e2"),
        ("/enrollments", "beginDate>='2025-08-01T00:00:00.000Z'", "e1"),
        ("/enrollments", "beginDate>'2025-08-01'", ""),
        ("/academicSessions", "schoolYear=2026 AND type='term'", "t1"),
        ("/academicSessions", "parent.sourcedId='y'", "camp sem t1"),
        ("/academicSessions", "startDate<='2025-08-01' and endDate>'2026-01-01'", "y"),
        ("/courses", "schoolYear.sourcedId='y'", "m"),
        ("/courses", "subjects~'alg'", "m"),
        ("/orgs", "parent='d'", "s/1 s@2"),
        ("/orgs", "children.sourcedId='dep'", "s/1"),
        ("/orgs", "name~'school, ONE''S'", "s/1"),
        ("/orgs", "metadata.jp.kana='かな'", "d"),
        ("/demographics", "birthDate<'2000-01-01'", "t1"),
        ("/demographics", "asian=false AND white=true", "u/1"),
    ],
)
@VERSIONS
def test_other_kinds_are_asked_alike(
    odd_site: SisSite, version: str, path: str, wanted: str, expected: str
) -> None:
    found = records(odd_site, version, path, everything(odd_site), filter=wanted)
    assert {one["sourcedId"] for one in found} == set(expected.split())
    assert str(parse(wanted))
