"""Changing records all along a reading, with every reference to them: what retellings are made of."""

import hashlib
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.records.sharing import GROUPS, Read

Retelling = Callable[[Read], Read]
Rename = Callable[[str, str], str]  # a kind and an id of it, to the new id

# The fields by which a record refers to others, and the kind of these.
REFERENCES: dict[type[r.Record], dict[str, str]] = {
    r.Org: {"parent": "orgs", "children": "orgs"},
    r.AcademicSession: {"parent": "academicSessions", "children": "academicSessions"},
    r.Course: {"org": "orgs", "school_year": "academicSessions"},
    r.Class: {"course": "courses", "school": "orgs", "terms": "academicSessions"},
    r.User: {"agents": "users", "primary_org": "orgs"},
    r.Enrollment: {"user": "users", "class_": "classes", "school": "orgs"},
    r.Demographics: {},
}


def each(change: Callable[[r.Record], list[r.Record]]) -> Retelling:
    """A retelling that needs one record at a time."""
    return lambda read: lambda kind: (new for record in read(kind) for new in change(record))


def each_user(change: Callable[[r.User], list[r.Record]]) -> Retelling:
    """A retelling of users alone, one at a time."""
    return each(lambda record: change(record) if isinstance(record, r.User) else [record])


def renamed(record: r.Record, name: Rename) -> r.Record:
    """The record with every sourcedId in it renamed. Demographics have the id of their user."""
    own = "users" if isinstance(record, r.Demographics) else KINDS[type(record)]
    changes: dict[str, object] = {"sourced_id": name(own, record.sourced_id)}
    for field, kind in REFERENCES[type(record)].items():
        said = getattr(record, field)
        changes[field] = tuple(name(kind, one) for one in said) if isinstance(said, tuple) else said
        if isinstance(said, str) and said:
            changes[field] = name(kind, said)
    if isinstance(record, r.User):
        changes["roles"] = tuple(replace(role, org=name("orgs", role.org)) for role in record.roles)
    return replace(record, **changes)


def without(read: Read, gone: Callable[[], set[str]]) -> Read:
    """What `read` gives without some users, and without what is about them. They are named when a reading begins."""

    def told(kind: str) -> Iterator[r.Record]:
        missing = gone()
        for record in read(kind):
            if _owner(record) in missing:
                continue
            if isinstance(record, r.User) and not missing.isdisjoint(record.agents):
                yield replace(record, agents=tuple(one for one in record.agents if one not in missing))
            else:
                yield record

    return told


def _owner(record: r.Record) -> str:
    """The user whom a record is about."""
    if isinstance(record, r.User | r.Demographics):
        return record.sourced_id
    return record.user if isinstance(record, r.Enrollment) else ""


def people(read: Read) -> Iterator[r.User]:
    """The users, as what they are."""
    return (user for user in read("users") if isinstance(user, r.User))


def is_guardian(user: r.User) -> bool:
    """Whether a user is nothing but somebody's guardian."""
    return bool(user.roles) and all(role.role in GROUPS["parents"] for role in user.roles)


def hashed(text: str) -> str:
    """An id made of another one."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def is_one_in(number: int, sourced_id: str) -> bool:
    """Whether an id is among one in so many, always the same ones."""
    return int(hashed(sourced_id)[:8], 16) % number == 0
