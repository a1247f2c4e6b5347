"""What a caller is given of the data: narrowed by school, role group and field, pure and record by record.

What is narrowed away is gone from the records themselves, references to it included, so that no filter, sort, count or path can
tell that it is there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec.structs import replace

from homeroom.oneroster import records as r

Read = Callable[[str], Iterable[r.Record]]  # a kind ("users") to its records

GROUPS: dict[str, tuple[str, ...]] = {
    "students": ("student",),
    "teachers": ("teacher",),
    "staff": ("aide", "proctor", "counselor"),
    "admins": (
        "administrator",
        "principal",
        "siteAdministrator",
        "districtAdministrator",
        "systemAdministrator",
    ),
    "parents": ("parent", "guardian", "relative"),
    "others": (),
}
_GROUP_OF = {word: group for group, words in GROUPS.items() for word in words}

# What may be left out: its name, the words for it, and the fields of our records that it is.
HIDEABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "users.email": ("E-mail", ("email",)),
    "users.sms": ("Mobile number (sms)", ("sms",)),
    "users.phone": ("Phone", ("phone",)),
    "users.identifier": ("Student and staff number (identifier)", ("identifier",)),
    "users.userIds": ("Other ids (userIds)", ("user_ids", "user_master_identifier")),
    "users.username": ("Sign-in names (username, userProfiles)", ("username", "profiles")),
    "users.grades": ("Grades", ("grades",)),
    "users.middleName": ("Middle name", ("middle_name",)),
    "users.preferredNames": (
        "Preferred names",
        ("preferred_given_name", "preferred_middle_name", "preferred_family_name"),
    ),
    "users.pronouns": ("Pronouns", ("pronouns",)),
    "users.agents": ("Links between students and guardians (agents)", ("agents",)),
    "users.metadata": ("What the standard has no field for (metadata)", ("metadata",)),
    "demographics.birthDate": ("Birth date", ("birth_date",)),
    "demographics.sex": ("Sex", ("sex",)),
    "demographics.race": ("Race and ethnicity", ("flags",)),
    "demographics.birthplace": (
        "Birth place",
        ("country_of_birth_code", "state_of_birth_abbreviation", "city_of_birth"),
    ),
    "demographics.residence": ("Residence status", ("public_school_residence_status",)),
    "demographics.metadata": ("Other demographics (metadata)", ("metadata",)),
}
KINDS_IN_ORDER = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is shown: school ids (none: all) but for those that are `gone`, role groups, and what is hidden."""

    schools: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset(GROUPS)
    hidden: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    @property
    def by_place(self) -> bool:
        """Whether it leaves schools out."""
        return bool(self.schools or self.gone)

    @property
    def by_person(self) -> bool:
        """Whether it leaves people out, not only fields."""
        return self.by_place or self.groups != frozenset(GROUPS)


@dataclass(slots=True)
class Visible:
    """The ids that are shown. `places` are the schools chosen and what is below them, `orgs` these and what is above them."""

    places: set[str] = field(default_factory=set)
    orgs: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    courses: set[str] = field(default_factory=set)  # of the classes
    users: set[str] = field(default_factory=set)


def group_of(word: str) -> str:
    """The role group of a role word; every word of nobody's is among the others."""
    return _GROUP_OF.get(word, "others")


def narrowed(narrowing: Narrowing, read: Read) -> Read:
    """What `read` gives, as it is shown. Orgs, classes and users are read a second time when people are left out."""
    blank = _blank(narrowing.hidden)

    @cache
    def visible() -> Visible:
        return _visible(narrowing, read)

    def shown(kind: str) -> Iterator[r.Record]:
        if kind == "demographics" and _all_hidden(narrowing, kind):
            return
        seen = visible() if narrowing.by_person else None
        for record in read(kind):
            kept = record if seen is None else _shown(record, narrowing, seen)
            if kept is not None:
                yield _less(kept, blank[kind]) if kind in blank else kept

    return shown


def _less(record: r.Record, blank: dict[str, Any]) -> r.Record:
    if isinstance(record, r.User) and "profiles" in blank:
        roles = tuple(replace(role, user_profile="") for role in record.roles)
        return replace(record, roles=roles, **blank)
    return replace(record, **blank)


def _all_hidden(narrowing: Narrowing, kind: str) -> bool:
    return {name for name in HIDEABLE if name.startswith(f"{kind}.")} <= narrowing.hidden


def _blank(hidden: frozenset[str]) -> dict[str, dict[str, Any]]:
    """The empty values of the fields that are hidden, by kind."""
    empty = {"users": r.User(sourced_id=""), "demographics": r.Demographics(sourced_id="")}
    blank: dict[str, dict[str, Any]] = {}
    for name in hidden:
        kind = name.partition(".")[0]
        blank.setdefault(kind, {}).update({part: getattr(empty[kind], part) for part in HIDEABLE[name][1]})
    return blank


def _visible(narrowing: Narrowing, read: Read) -> Visible:
    seen = Visible()
    if narrowing.by_place:
        parents = {org.sourced_id: org.parent for org in read("orgs") if isinstance(org, r.Org)}
        chosen = narrowing.schools or set(parents)
        seen.places = {
            org
            for org in parents
            if not chosen.isdisjoint(above := _upwards(org, parents)) and narrowing.gone.isdisjoint(above)
        }
        seen.orgs = {above for place in seen.places for above in _upwards(place, parents)}
        classes = [one for one in read("classes") if isinstance(one, r.Class) and one.school in seen.places]
        seen.classes = {one.sourced_id for one in classes}
        seen.courses = {one.course for one in classes}
    seen.users = _users(narrowing, seen, read)
    return seen


def _upwards(org: str, parents: dict[str, str]) -> list[str]:
    """An org and those above it."""
    found: list[str] = []
    while org and org not in found:
        found.append(org)
        org = parents.get(org, "")
    return found


def _users(narrowing: Narrowing, seen: Visible, read: Read) -> set[str]:
    """Users with a role that is shown; one who is shown only as a guardian must be one of a student of the schools."""
    found: set[str] = set()
    guardians: dict[str, tuple[str, ...]] = {}  # and whom they name
    students: dict[str, tuple[str, ...]] = {}  # of the schools, shown or not, and whom they name
    for user in read("users"):
        if not isinstance(user, r.User):
            continue
        if user.status == "active" and any(r.role == "student" and r.org in seen.places for r in user.roles):
            students[user.sourced_id] = user.agents
        roles = _roles(user, narrowing, seen)
        if narrowing.by_place and roles and all(group_of(role.role) == "parents" for role in roles):
            guardians[user.sourced_id] = user.agents
        elif roles:
            found.add(user.sourced_id)
    named = {agent for agents in students.values() for agent in agents}
    return found | {
        one for one, agents in guardians.items() if one in named or not students.keys().isdisjoint(agents)
    }


def _roles(user: r.User, narrowing: Narrowing, seen: Visible) -> tuple[r.Role, ...]:
    """The roles of a user that are shown. A guardian's may be kept at the district rather than at a school."""
    return tuple(
        role
        for role in user.roles
        if (group := group_of(role.role)) in narrowing.groups
        and (
            not narrowing.by_place
            or role.org in seen.places
            or (role.org in seen.orgs and group == "parents")
        )
    )


def _shown(record: r.Record, narrowing: Narrowing, seen: Visible) -> r.Record | None:
    match record:
        case r.User():
            return _shown_user(record, narrowing, seen)
        case r.Enrollment():
            there = not narrowing.by_place or (record.class_ in seen.classes and record.school in seen.places)
            with_role = record.user in seen.users and group_of(record.role) in narrowing.groups
            return record if there and with_role else None
        case r.Demographics():
            return record if record.sourced_id in seen.users else None
        case _:
            return _shown_place(record, seen) if narrowing.by_place else record


def _shown_place(record: r.Record, seen: Visible) -> r.Record | None:
    """An org, course or class among some schools. A session belongs to none of them."""
    match record:
        case r.Org():
            children = tuple(child for child in record.children if child in seen.orgs)
            return replace(record, children=children) if record.sourced_id in seen.orgs else None
        case r.Course() if record.org and record.org not in seen.orgs:
            # Another school's course that a class of these schools follows.
            return replace(record, org="") if record.sourced_id in seen.courses else None
        case r.Class():
            return record if record.sourced_id in seen.classes else None
        case _:
            return record


def _shown_user(user: r.User, narrowing: Narrowing, seen: Visible) -> r.User | None:
    if user.sourced_id not in seen.users:
        return None
    roles = _roles(user, narrowing, seen)
    home = user.primary_org if user.primary_org in {role.org for role in roles} else roles[0].org
    agents = tuple(agent for agent in user.agents if agent in seen.users)
    return replace(user, roles=roles, primary_org=home if user.primary_org else "", agents=agents)
