"""What a caller is given of the data: narrowed by school, role group and field, pure and record by record.

What is narrowed away is gone from the records themselves, references to it included, so that no filter, sort, count or path can
tell that it is there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
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
    "users.username": ("Sign-in name (username)", ("username",)),
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
    """What is shown: school ids (none: all), role groups, and what is hidden."""

    schools: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset(GROUPS)
    hidden: frozenset[str] = frozenset()

    @property
    def by_person(self) -> bool:
        """Whether it leaves people out, not only fields."""
        return bool(self.schools) or self.groups != frozenset(GROUPS)


@dataclass(slots=True)
class Visible:
    """The ids that are shown. `orgs` are the schools chosen and what is above them."""

    orgs: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)


def group_of(word: str) -> str:
    """The role group of a role word; every word of nobody's is among the others."""
    return _GROUP_OF.get(word, "others")


def shared(narrowing: Narrowing, read: Read) -> Iterator[r.Record]:
    """Every record that is shown, as it is shown. `read` is asked twice for the users when people are left out."""
    visible = _visible(narrowing, read) if narrowing.by_person else None
    blank = _blank(narrowing.hidden)
    for kind in KINDS_IN_ORDER:
        if kind == "demographics" and _all_hidden(narrowing, kind):
            continue
        for record in read(kind):
            shown = record if visible is None else _shown(record, narrowing, visible)
            if shown is not None:
                yield replace(shown, **blank[kind]) if kind in blank else shown


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
    orgs = {org.sourced_id: org.parent for org in read("orgs") if isinstance(org, r.Org)}
    visible = Visible(_with_ancestors(narrowing.schools or set(orgs), orgs))
    pending: dict[str, tuple[str, ...]] = {}  # guardians and whom they name
    children: dict[str, tuple[str, ...]] = {}  # students of the schools, shown or not, and whom they name
    for user in read("users"):
        if not isinstance(user, r.User):
            continue
        if any(role.role == "student" and role.org in (narrowing.schools or orgs) for role in user.roles):
            children[user.sourced_id] = user.agents
        if _roles(user, narrowing, visible):
            if _is_guardian(user):
                pending[user.sourced_id] = user.agents
            else:
                visible.users.add(user.sourced_id)
    visible.users |= _guardians(pending, children) if narrowing.schools else set(pending)
    return visible


def _guardians(pending: dict[str, tuple[str, ...]], children: dict[str, tuple[str, ...]]) -> set[str]:
    """The guardians that a student names, or who name a student."""
    named = {agent for agents in children.values() for agent in agents}
    return {g for g, agents in pending.items() if g in named or any(agent in children for agent in agents)}


def _is_guardian(user: r.User) -> bool:
    return all(group_of(role.role) == "parents" for role in user.roles)


def _with_ancestors(schools: Iterable[str], parents: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for school in schools:
        org = school
        while org and org not in found:
            found.add(org)
            org = parents.get(org, "")
    return found


def _roles(user: r.User, narrowing: Narrowing, visible: Visible) -> tuple[r.Role, ...]:
    """The roles of a user that are shown. A guardian's may be kept at the district rather than at a school."""
    return tuple(
        role
        for role in user.roles
        if group_of(role.role) in narrowing.groups
        and (
            not narrowing.schools
            or role.org in narrowing.schools
            or (role.org in visible.orgs and group_of(role.role) == "parents")
        )
    )


def _shown(record: r.Record, narrowing: Narrowing, visible: Visible) -> r.Record | None:
    schools = narrowing.schools or visible.orgs
    match record:
        case r.Org():
            children = tuple(child for child in record.children if child in visible.orgs)
            return replace(record, children=children) if record.sourced_id in visible.orgs else None
        case r.Course():
            return record if not record.org or record.org in visible.orgs else None
        case r.Class():
            if record.school in schools:
                visible.classes.add(record.sourced_id)
                return record
            return None
        case r.User():
            return _shown_user(record, narrowing, visible)
        case r.Enrollment():
            seen = (
                record.user in visible.users and record.class_ in visible.classes and record.school in schools
            )
            return record if seen and group_of(record.role) in narrowing.groups else None
        case r.Demographics():
            return record if record.sourced_id in visible.users else None
        case _:
            return record


def _shown_user(user: r.User, narrowing: Narrowing, visible: Visible) -> r.User | None:
    if user.sourced_id not in visible.users:
        return None
    roles = _roles(user, narrowing, visible)
    home = user.primary_org if user.primary_org in {role.org for role in roles} else roles[0].org
    agents = tuple(agent for agent in user.agents if agent in visible.users)
    return replace(user, roles=roles, primary_org=home if user.primary_org else "", agents=agents)
