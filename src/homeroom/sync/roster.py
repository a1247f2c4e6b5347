"""The nouns of a roster: what a source says of a person, and what the directory holds of one.

Plain frozen data, so that every law of the engine can be tried on a few lines of it.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class RoleGroup(StrEnum):
    """The four groups that an owner switches on or off; guardians are contacts, never members."""

    STUDENTS = "students"
    TEACHERS = "teachers"
    STAFF = "staff"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True)
class SourceRole:
    """One role word of the standard at one org, as the source said it."""

    word: str
    org: str
    primary: bool = True
    begin: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class SourcePerson:
    """All that Homeroom takes from one user record of a source. Texts are stripped; "" means not said."""

    sourced_id: str
    leaving: bool = False  # status tobedeleted
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    email: str = ""
    number: str = ""
    username: str = ""
    phone: str = ""
    grade: str = ""
    roles: tuple[SourceRole, ...] = ()
    agents: tuple[str, ...] = ()
    primary_mark: bool = False  # metadata or an ext: role says "primary contact"
    restricted: bool = False  # metadata or an ext: role says that this contact must not be used
    title: str = ""  # what a member of staff is called, where the SIS says it in metadata
    unsaid: bool = False  # the record leaves open which role they have at which school

    @property
    def has_name(self) -> bool:
        """Whether the record says a given or a family name."""
        return bool(self.given_name or self.family_name)


NOT_KEPT = "(name not kept)"


def bare(person: SourcePerson) -> SourcePerson:
    """What rules look at, and nothing by which anybody could be known: all that is kept of whom no rule lets through."""
    name = NOT_KEPT if person.has_name else ""
    return SourcePerson(
        person.sourced_id,
        leaving=person.leaving,
        family_name=name,
        grade=person.grade,
        roles=person.roles,
        title=person.title,
        unsaid=person.unsaid,
    )


@dataclass(frozen=True, slots=True)
class SourceOrg:
    """A school or district as the source lists it; `is_school` covers servers that mark schools as departments."""

    sourced_id: str
    name: str
    identifier: str = ""
    type: str = "school"
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where someone belongs: a school of ours (its id) in one role group."""

    school: int
    group: RoleGroup


# The fields of a person that a source may set, in the order in which pages show them.
PERSON_FIELDS = ("given_name", "family_name", "middle_name", "email", "number", "username", "phone")
CONTACT_FIELDS = ("given_name", "family_name", "email", "phone")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the roster should say of one source record: the person's fields and places, with grade by place."""

    sourced_id: str
    fields: dict[str, str]
    places: dict[Place, str]  # grade ("" for adults)
    guardians: tuple["Guardian", ...] | None = (
        None  # None: parents are not rostered, or not known in this reading
    )
    restricted: frozenset[str] = (
        frozenset()
    )  # sourcedIds of contacts who must not be linked, whatever the policy


@dataclass(frozen=True, slots=True)
class Guardian:
    """One guardian of one student, ranked; exactly one of a student's guardians is primary, and says why."""

    sourced_id: str
    primary: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's standing at one place in the directory. `managed` = a source brought it or vouched for it.

    `missing_runs`: in how many complete runs on end the source no longer had them here; `missing_since`: first on which day.
    """

    grade: str = ""
    active: bool = True
    managed: bool = True
    ended_by_hand: bool = False
    missing_runs: int = 0
    missing_since: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the directory as the engine sees them. `kept` names fields edited by hand and not released."""

    id: int
    fields: dict[str, str]
    places: dict[Place, Membership] = field(default_factory=dict)
    guardians: tuple[Guardian, ...] = ()
    kept: frozenset[str] = frozenset()
    excluded: bool = False
    protected: bool = False  # an Owner or a District Manager: no sync archives them
