"""Records told otherwise, for rehearsals: how a re-key, last year's database or another SIS's way of keeping people looks.

Each retelling takes a record to the records it becomes; what is told stays whole: every reference is changed with what it names.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from msgspec.structs import replace

from homeroom.oneroster import records as r

Retelling = Callable[[r.Record], list[r.Record]]
STAFF = ("teacher", "aide", "proctor", "counselor", "administrator", "principal", "siteAdministrator")
VANISHED = "vanished_school="  # and the sourcedId of a school that is gone with its people
_GUARDIANS = ("parent", "guardian", "relative")
_GRADES = ("KG", *(f"{grade:02d}" for grade in range(1, 13)))


def retold(records: Iterable[r.Record], names: Iterable[str]) -> Iterator[r.Record]:
    """The records after the retellings of these names, in turn."""
    told = iter(records)
    for name in names:
        told = _each(told, RETELLINGS[name])
    return told


def _each(records: Iterable[r.Record], retelling: Retelling) -> Iterator[r.Record]:
    for record in records:
        yield from retelling(record)


def rekeyed(record: r.Record) -> list[r.Record]:
    """Every id is another one, as after a move to a new SIS; names, numbers and e-mails stay."""
    return [renamed(record, _new_id)]


def _new_id(sourced_id: str) -> str:
    return hashlib.md5(sourced_id.encode(), usedforsecurity=False).hexdigest() if sourced_id else ""


def renamed(record: r.Record, name: Callable[[str], str]) -> r.Record:
    """The record with every sourcedId in it renamed."""
    changes: dict[str, object] = {"sourced_id": name(record.sourced_id)}
    for field in ("parent", "org", "school", "course", "user", "class_", "primary_org"):
        if hasattr(record, field):
            changes[field] = name(getattr(record, field))
    for field in ("children", "agents", "terms"):
        if hasattr(record, field):
            changes[field] = tuple(name(one) for one in getattr(record, field))
    if isinstance(record, r.Course):
        changes["school_year"] = name(record.school_year)
    if isinstance(record, r.User):
        changes["roles"] = tuple(replace(role, org=name(role.org)) for role in record.roles)
    return replace(record, **changes)


def last_year(record: r.Record) -> list[r.Record]:
    """Last year's database: dates a year back, students a grade lower, and those who came this year not there yet."""
    match record:
        case r.AcademicSession():
            dates = {"start_date": _year_back(record.start_date), "end_date": _year_back(record.end_date)}
            year = str(int(record.school_year) - 1) if record.school_year.isdigit() else record.school_year
            return [replace(record, school_year=year, **dates)]
        case r.User() if record.grades and record.grades[0] in _GRADES:
            place = _GRADES.index(record.grades[0])
            return [replace(record, grades=(_GRADES[place - 1],))] if place else []
        case _:
            return [record]


def _year_back(day: str) -> str:
    try:
        then = date.fromisoformat(day)
    except ValueError:
        return day
    return then.replace(year=then.year - 1, day=min(then.day, 28)).isoformat()


def without_guardians(record: r.Record) -> list[r.Record]:
    """No guardian and no link to one."""
    if not isinstance(record, r.User):
        return [record]
    roles = tuple(role for role in record.roles if role.role not in _GUARDIANS)
    return [replace(record, roles=roles, agents=())] if roles else []


def a_record_a_school(record: r.Record) -> list[r.Record]:
    """One user for each person and school, with ids keyed by school and no link to guardians, as Ed-Fi's server gives them."""
    if isinstance(record, r.Enrollment):
        return [replace(record, user=_at(record.user, record.school))]
    if isinstance(record, r.Demographics):
        return []  # they would belong to several users
    if not isinstance(record, r.User):
        return [record]
    orgs = dict.fromkeys(role.org for role in record.roles)
    return [
        replace(
            record,
            sourced_id=_at(record.sourced_id, org),
            roles=tuple(role for role in record.roles if role.org == org),
            primary_org=org,
            agents=(),
        )
        for org in orgs
    ]


def _at(user: str, school: str) -> str:
    return _new_id(f"{user}-{school}")


def staff_a_record_a_school(record: r.Record) -> list[r.Record]:
    """Staff are there once a school, as PowerSchool keeps them unless they are merged; the first school keeps the id."""
    if not isinstance(record, r.User) or not any(role.role in STAFF for role in record.roles):
        return [record]
    orgs = list(dict.fromkeys(role.org for role in record.roles))
    return [
        replace(
            record,
            sourced_id=record.sourced_id if not place else f"{record.sourced_id}-{org}",
            roles=tuple(role for role in record.roles if role.org == org),
            primary_org=org,
        )
        for place, org in enumerate(orgs)
    ]


def padded(record: r.Record) -> list[r.Record]:
    """Every id of a user with a blank behind it."""
    if isinstance(record, r.User):
        return [replace(record, sourced_id=record.sourced_id + " ")]
    return [record]


def prefixed_staff(record: r.Record) -> list[r.Record]:
    """Ids of teachers begin with TCH_, as Aeries writes them."""
    if isinstance(record, r.User) and any(role.role == "teacher" for role in record.roles):
        return [replace(record, sourced_id=f"TCH_{record.sourced_id}")]
    if isinstance(record, r.Enrollment) and record.role == "teacher":
        return [replace(record, user=f"TCH_{record.user}")]
    return [record]


def legacy_ids(record: r.Record) -> list[r.Record]:
    """Users carry the id of the older version in their metadata, as Infinite Campus 1.2 does."""
    if not isinstance(record, r.User) or not record.roles:
        return [record]
    old = f"{record.roles[0].role[0]}{record.sourced_id}"
    return [replace(record, metadata={**record.metadata, "ic": {"legacysourceId": old}})]


RETELLINGS: dict[str, Retelling] = {
    "rekeyed": rekeyed,
    "last_year": last_year,
    "without_guardians": without_guardians,
    "a_record_a_school": a_record_a_school,
    "staff_a_record_a_school": staff_a_record_a_school,
    "padded": padded,
    "prefixed_staff": prefixed_staff,
    "legacy_ids": legacy_ids,
}
