"""Narrowing: which places of ours a record belongs to, or, in a clerk's words, why it belongs to none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from homeroom.problems import Problem
from homeroom.sync.own_rules import first_fit
from homeroom.sync.roster import PERSON_FIELDS, Entry, Place, RoleGroup, SourcePerson, SourceRole
from homeroom.sync.rules import GROUP_OF_ROLE, GUARDIAN_ROLES, SchoolRule

MARKED = "the SIS marks this record as to be deleted"
LEFT_OUT = "left out by"  # so begins the verdict of an own rule that leads out
RulesByOrg = Mapping[str, Sequence[SchoolRule]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules make of one record. `entry` is None when nobody is let through; `why` says it in words. `silent` = the
    record says too little to show that anybody left a place."""

    entry: Entry | None
    why: str
    problems: tuple[Problem, ...] = ()
    guardian: bool = False
    silent: bool = False


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
        return Verdict(None, MARKED, guardian=guardian)
    roles = [role for role in person.roles if in_force(role, today)]
    found = _places(person, roles, rules)
    problems = tuple(
        Problem("unknown_role", "users", person.sourced_id, "roles", detail=f"“{word[:40]}”")
        for word in sorted(found.unknown)
    )
    if not found.places:
        why = _why_not(person, roles, rules, found, guardian=guardian)
        return Verdict(None, why, problems, guardian, silent=person.unsaid)
    if not person.has_name:
        nameless = Problem("missing_name", "users", person.sourced_id, "givenName")
        return Verdict(None, "the SIS sends no name", (*problems, nameless), guardian, silent=True)
    fields = {name: getattr(person, name) for name in PERSON_FIELDS}
    entry = Entry(person.sourced_id, fields, found.places)
    why = "; ".join(["let through", *found.let_in])
    return Verdict(entry, why, problems, guardian, silent=person.unsaid)


def in_force(role: SourceRole, today: date) -> bool:
    """Whether a role has begun and not ended. A date that cannot be read ends nothing."""
    begin, end = _day(role.begin), _day(role.end)
    return (begin is None or begin <= today) and (end is None or today < end)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


@dataclass(slots=True)
class _Found:
    """What became of a record's roles: places, and why the others came to none."""

    places: dict[Place, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    off: set[RoleGroup] = field(default_factory=set)
    let_in: list[str] = field(default_factory=list)  # by which own rules
    left_out: list[str] = field(default_factory=list)


def _places(person: SourcePerson, roles: Sequence[SourceRole], rules: RulesByOrg) -> _Found:
    found = _Found()
    for role in roles:
        for rule in () if is_guardian_word(role.word) else rules.get(role.org, ()):
            _place(person, role, rule, found)
    return found


def _place(person: SourcePerson, role: SourceRole, rule: SchoolRule, found: _Found) -> None:
    own = first_fit(rule.policy.own, person, role)
    said = f"rule {own[0]} ({own[1].line})" if own else ""
    group = own[1].then if own else GROUP_OF_ROLE.get(role.word.lower())
    if group is not None and rule.policy.of(group).roster:
        found.places[Place(rule.school, group)] = person.grade if group is RoleGroup.STUDENTS else ""
        found.let_in += [said] if own and said not in found.let_in else []
    elif group is not None:
        found.off.add(group)
    elif own:
        found.left_out.append(said)
    else:
        found.unknown.add(role.word)


def _why_not(
    person: SourcePerson,
    roles: Sequence[SourceRole],
    rules: RulesByOrg,
    found: _Found,
    *,
    guardian: bool,
) -> str:
    paused = [rule.period for role in roles for rule in rules.get(role.org, ()) if rule.paused]
    if found.off and paused and paused[0]:
        return f"the sync of this school is {paused[0].words}"
    if found.off:
        return f"{' and '.join(sorted(found.off))} are not switched on to roster"
    if found.left_out:
        return f"{LEFT_OUT} {found.left_out[0]}"
    if guardian and person.restricted:
        return "a guardian whom the SIS marks as restricted: not taken in"
    if guardian:
        return "a guardian: kept as a contact of students, not as a member"
    if person.unsaid:
        return "the SIS does not say which role this record has at which school"
    if not person.roles:
        return "the SIS gives this record no role"
    if not roles:
        return "no role is in force today"
    if not any(role.org in rules for role in roles):
        return "belongs to no school that is rostered here"
    return "has only roles that the standard does not know"
