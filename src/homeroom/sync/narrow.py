"""Narrowing: which places of ours a record belongs to, or, in a clerk's words, why it belongs to none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from homeroom.problems import Problem
from homeroom.sync.roster import PERSON_FIELDS, Entry, Place, RoleGroup, SourcePerson, SourceRole
from homeroom.sync.rules import GROUP_OF_ROLE, GUARDIAN_ROLES, SchoolRule

RulesByOrg = Mapping[str, Sequence[SchoolRule]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules make of one record. `entry` is None when nobody is let through; `why` says it in words."""

    entry: Entry | None
    why: str
    problems: tuple[Problem, ...] = ()
    guardian: bool = False


def by_org(rules: Sequence[SchoolRule]) -> dict[str, list[SchoolRule]]:
    """The rules, found by the sourcedId of their org."""
    found: dict[str, list[SchoolRule]] = {}
    for rule in rules:
        found.setdefault(rule.org, []).append(rule)
    return found


def is_guardian(person: SourcePerson) -> bool:
    """Whether any role of a record is a guardian's."""
    return any(is_guardian_word(role.word) for role in person.roles)


def is_guardian_word(word: str) -> bool:
    """parent, guardian, relative, and the extension words that mark one of them as primary."""
    lower = word.lower()
    return lower in GUARDIAN_ROLES or lower.startswith("ext:primary")


def narrow(person: SourcePerson, rules: RulesByOrg, today: date) -> Verdict:
    """The verdict on one record. Roles are taken only where in force today (begin inclusive, end exclusive)."""
    guardian = is_guardian(person)
    if person.leaving:
        return Verdict(None, "the SIS marks this record as to be deleted", guardian=guardian)
    roles = [role for role in person.roles if in_force(role, today)]
    places, unknown, off = _places(person, roles, rules)
    problems = tuple(
        Problem("unknown_role", "users", person.sourced_id, "roles", detail=f"“{word[:40]}”")
        for word in sorted(unknown)
    )
    if not places:
        return Verdict(None, _why_not(person, roles, rules, off=off, guardian=guardian), problems, guardian)
    if not (person.given_name or person.family_name):
        nameless = Problem("missing_name", "users", person.sourced_id, "givenName")
        return Verdict(None, "the SIS sends no name", (*problems, nameless), guardian)
    fields = {name: getattr(person, name) for name in PERSON_FIELDS}
    return Verdict(Entry(person.sourced_id, fields, places), "let through", problems, guardian)


def in_force(role: SourceRole, today: date) -> bool:
    """Whether a role has begun and not ended. A date that cannot be read ends nothing."""
    day = today.isoformat()
    begin, end = role.begin[:10], role.end[:10]
    return (len(begin) != 10 or begin <= day) and (len(end) != 10 or day < end)


def _places(
    person: SourcePerson, roles: Sequence[SourceRole], rules: RulesByOrg
) -> tuple[dict[Place, str], set[str], set[RoleGroup]]:
    places: dict[Place, str] = {}
    unknown: set[str] = set()
    off: set[RoleGroup] = set()
    for role in roles:
        group = GROUP_OF_ROLE.get(role.word.lower())
        for rule in rules.get(role.org, ()):
            if group is None:
                if not is_guardian_word(role.word):
                    unknown.add(role.word)
            elif rule.policy.of(group).roster:
                places[Place(rule.school, group)] = person.grade if group is RoleGroup.STUDENTS else ""
            else:
                off.add(group)
    return places, unknown, off


def _why_not(
    person: SourcePerson,
    roles: Sequence[SourceRole],
    rules: RulesByOrg,
    *,
    off: set[RoleGroup],
    guardian: bool,
) -> str:
    if off:
        return f"{' and '.join(sorted(off))} are not switched on to roster"
    if guardian:
        return "a guardian: kept as a contact of students, not as a member"
    if not person.roles:
        return "the SIS gives this record no role"
    if not roles:
        return "no role is in force today"
    if not any(role.org in rules for role in roles):
        return "belongs to no school that is rostered here"
    return "has only roles that the standard does not know"
