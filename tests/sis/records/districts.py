"""Small invented districts with every kind of untidiness, for laws about what a caller is given."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as some

from homeroom.oneroster import records as r
from homeroom.sis.records.sharing import GROUPS, HIDEABLE, Narrowing

SCHOOLS = ("north", "south", "annex")  # the annex is a department of north
WORDS = ("student", "teacher", "aide", "principal", "guardian", "parent", "janitor")
ORGS = ("district", *SCHOOLS)


@dataclass(frozen=True)
class District:
    """All records of a district."""

    records: tuple[r.Record, ...]

    def read(self, kind: str) -> Iterator[r.Record]:
        from homeroom.oneroster.shapes import KINDS

        return (
            one for one in sorted(self.records, key=lambda one: one.sourced_id) if KINDS[type(one)] == kind
        )


def _orgs() -> list[r.Record]:
    return [
        r.Org(
            sourced_id="district",
            name="Riverside",
            type="district",
            identifier="0",
            children=("north", "south"),
        ),
        r.Org(
            sourced_id="north",
            name="North",
            type="school",
            identifier="01",
            parent="district",
            children=("annex",),
        ),
        r.Org(sourced_id="south", name="South", type="school", identifier="02", parent="district"),
        r.Org(sourced_id="annex", name="Annex", type="department", parent="north"),
    ]


def _places() -> list[r.Record]:
    made: list[r.Record] = [
        r.AcademicSession(sourced_id="fall", title="Fall", type="term", start_date="2026-08-01", end_date="2027-01-01", school_year="2027"),
    ]  # fmt: skip
    for org in ORGS:
        made.append(r.Course(sourced_id=f"course-{org}", title="Art", org=org))
    for number, (course, school) in enumerate(
        (("district", "north"), ("south", "north"), ("south", "south"), ("north", "annex"))
    ):
        made.append(
            r.Class(
                sourced_id=f"class-{number}",
                title="Art",
                course=f"course-{course}",
                school=school,
                terms=("fall",),
            )
        )
    return made


IDS = tuple(f"p{number}" for number in range(6))
roles = some.lists(some.builds(lambda word, org, profile: r.Role(role=word, org=org, user_profile=profile),
                               some.sampled_from(WORDS), some.sampled_from(ORGS), some.sampled_from(("", "lms"))),
                   min_size=1, max_size=3, unique_by=lambda role: (role.role, role.org))  # fmt: skip


@some.composite
def users(draw: Any, sourced_id: str) -> r.User:
    held = tuple(draw(roles))
    return r.User(
        sourced_id=sourced_id,
        status=draw(some.sampled_from(("active", "active", "active", "tobedeleted"))),
        given_name=f"Given {sourced_id}",
        family_name=f"Family {sourced_id}",
        email=f"{sourced_id}@riverside.example",
        identifier=f"n-{sourced_id}",
        username=sourced_id,
        phone="555-0100",
        grades=("09",) if draw(some.booleans()) else (),
        agents=tuple(draw(some.lists(some.sampled_from(IDS), max_size=2, unique=True))),
        roles=held,
        primary_org=draw(some.sampled_from(("", *(role.org for role in held)))),
        profiles=(
            r.UserProfile(
                sourced_id="lms",
                profile_type="LMS",
                vendor_id="v",
                username=f"l-{sourced_id}",
                credential_type="saml",
            ),
        ),
        metadata={"note": f"of {sourced_id}"},
        modified="2026-09-01T00:00:00.000Z",
    )


@some.composite
def districts(draw: Any) -> District:
    people = [draw(users(sourced_id)) for sourced_id in IDS]
    enrollments = [
        r.Enrollment(
            sourced_id=f"e{number}",
            user=draw(some.sampled_from(IDS)),
            class_=f"class-{draw(some.integers(0, 3))}",
            school=draw(some.sampled_from(SCHOOLS)),
            role=draw(some.sampled_from(("student", "teacher", "aide"))),
        )
        for number in range(draw(some.integers(0, 6)))
    ]
    about = [
        r.Demographics(sourced_id=one, birth_date="2011-05-05", sex="female", flags={"asian": True})
        for one in IDS[:4]
    ]
    return District((*_orgs(), *_places(), *people, *enrollments, *about))


narrowings = some.builds(
    Narrowing,
    some.frozensets(some.sampled_from(("north", "south")), max_size=2),
    some.frozensets(some.sampled_from(tuple(GROUPS)), min_size=1),
    some.frozensets(some.sampled_from(tuple(HIDEABLE)), max_size=6),
)
