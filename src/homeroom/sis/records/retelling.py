"""Records told otherwise, for rehearsals: how a re-key, last year's database or another SIS's way of keeping people looks.

A retelling takes a reading of records to another one, kind by kind. What is told stays whole: a reference is changed with what it
names, but where a SIS is known to leave it dangling.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache

from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.sis.records.changing import Retelling, each, hashed, people, renamed, without
from homeroom.sis.records.sharing import Read
from homeroom.sis.records.ways import VANISHING, WAYS

VANISHED = "vanished_school="  # and the sourcedId of a school that is gone with its people
_GRADES = ("KG", *(f"{grade:02d}" for grade in range(1, 13)))


def retold(read: Read, names: Iterable[str]) -> Read:
    """What `read` gives, after the retellings of these names, in turn."""
    for name in names:
        read = RETELLINGS[name](read)
    return read


def vanishing(names: Iterable[str]) -> set[str]:
    """The kinds of which these retellings leave nothing `tobedeleted`: what goes is gone at once."""
    return {kind for name in names for kind in VANISHING.get(name, ())}


def rekeyed(record: r.Record) -> list[r.Record]:
    """Every id is another one, as after a move to a new SIS; names, numbers and e-mails stay."""
    return [renamed(record, lambda _, sourced_id: hashed(sourced_id))]


def last_year(read: Read) -> Read:
    """Last year's database: dates a year back, students a grade lower, and those who came this year not there yet."""

    @cache
    def new() -> set[str]:
        return {user.sourced_id for user in people(read) if user.grades[:1] == ("KG",)}

    return without(each(_a_year_ago)(read), new)


def _a_year_ago(record: r.Record) -> list[r.Record]:
    match record:
        case r.AcademicSession():
            dates = {"start_date": _year_back(record.start_date), "end_date": _year_back(record.end_date)}
            year = str(int(record.school_year) - 1) if record.school_year.isdigit() else record.school_year
            return [replace(record, school_year=year, **dates)]
        case r.Enrollment():
            dates = {"begin_date": _year_back(record.begin_date), "end_date": _year_back(record.end_date)}
            return [replace(record, **dates)]
        case r.User() if record.grades[:1] and record.grades[0] in _GRADES[1:]:
            return [replace(record, grades=(_GRADES[_GRADES.index(record.grades[0]) - 1],))]
        case _:
            return [record]


def _year_back(day: str) -> str:
    try:
        then = date.fromisoformat(day)
    except ValueError:
        return day
    return then.replace(year=then.year - 1, day=min(then.day, 28)).isoformat()


RETELLINGS: dict[str, Retelling] = {"rekeyed": each(rekeyed), "last_year": last_year, **WAYS}
