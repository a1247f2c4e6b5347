"""The policy: which role groups of a school are rostered, what the sync may do to them, when it must stop."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from homeroom.sync.own_rules import OwnRule
from homeroom.sync.periods import Period, PeriodKind, period_on
from homeroom.sync.roster import PERSON_FIELDS, RoleGroup

# What a role word of the standard makes of a person. Guardians are contacts; any word not here grants nothing.
GROUP_OF_ROLE: Mapping[str, RoleGroup] = {
    "student": RoleGroup.STUDENTS,
    "teacher": RoleGroup.TEACHERS,
    "administrator": RoleGroup.ADMINS,
    "principal": RoleGroup.ADMINS,
    "siteadministrator": RoleGroup.ADMINS,
    "districtadministrator": RoleGroup.ADMINS,
    "systemadministrator": RoleGroup.ADMINS,
    "aide": RoleGroup.STAFF,
    "proctor": RoleGroup.STAFF,
    "counselor": RoleGroup.STAFF,
}
GUARDIAN_ROLES = ("parent", "guardian", "relative")


# What a source may be kept from setting. Names are among them; somebody new has them all the same, or would be nobody.
NAMES = ("given_name", "family_name", "middle_name")
KEEPABLE = (*PERSON_FIELDS, "grade")
ACTIONS = ("add", "update", "archive")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many per cent, and so many people, of one role group in one sync. None: no such limit."""

    percent: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What waits for a person when a sync would do more of it."""

    add: Limit = Limit()
    update: Limit = Limit()
    archive: Limit = Limit()


@dataclass(frozen=True, slots=True)
class Grace:
    """How long somebody must be absent before Archive: in so many complete runs on end, and for so many days."""

    runs: int = 1
    days: int = 0


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """One row of the grid. All off is the safe default: nobody is rostered, changed or archived.

    `keep` names fields that the source may not set; `limits` overrule the school's where they say something.
    """

    roster: bool = False
    auto_update: bool = False
    archive: bool = False
    keep: tuple[str, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Policy:
    """The sync settings of one school's roster link.

    In groups smaller than `small` no percentage holds: one person is ten per cent there already. `second` = removals above
    which two people must approve. `own` are the school's own rules, in order. `year_end` is the last day of school, MM-DD:
    it tells graduates from a fault.
    """

    students: GroupPolicy = field(default_factory=GroupPolicy)
    teachers: GroupPolicy = field(default_factory=GroupPolicy)
    staff: GroupPolicy = field(default_factory=GroupPolicy)
    admins: GroupPolicy = field(default_factory=GroupPolicy)
    parents: bool = False
    limits: Limits = Limits(archive=Limit(5.0, 25))
    small: int = 10
    grace: Grace = Grace()
    periods: tuple[Period, ...] = ()
    second: int | None = None
    year_end: str = ""
    own: tuple[OwnRule, ...] = ()

    def of(self, group: RoleGroup) -> GroupPolicy:
        """The row of one role group."""
        row: GroupPolicy = getattr(self, group.value)
        return row

    def limit(self, group: RoleGroup, action: str) -> Limit:
        """The limit of one action in one role group: its own, else the school's."""
        own: Limit = getattr(self.of(group).limits, action)
        school: Limit = getattr(self.limits, action)
        return Limit(
            school.percent if own.percent is None else own.percent,
            school.count if own.count is None else own.count,
        )

    @property
    def rosters_anyone(self) -> bool:
        """Whether any role group is on: without one a sync has nobody to bring."""
        return any(self.of(group).roster for group in RoleGroup)


@dataclass(frozen=True, slots=True)
class SchoolRule:
    """One school of a run: its id with us, its org's sourcedId with the source, and its policy as it is in force today.

    `period` is the pause or the time of additions only, if today is in one: the policy is narrowed to it already.
    """

    school: int
    org: str
    policy: Policy
    period: Period | None = None

    @property
    def paused(self) -> bool:
        """Whether nothing at all is synced today."""
        return self.period is not None and self.period.kind is PeriodKind.PAUSE


def in_force(rule: SchoolRule, today: date) -> SchoolRule:
    """The rule as it holds today: in a pause nobody is rostered, in a time of additions only nobody is changed or archived."""
    period = period_on(rule.policy.periods, today)
    if period is None:
        return rule
    paused = period.kind is PeriodKind.PAUSE
    rows: dict[str, Any] = {
        group.value: replace(
            rule.policy.of(group),
            roster=rule.policy.of(group).roster and not paused,
            auto_update=False,
            archive=False,
        )
        for group in RoleGroup
    }
    parents = rule.policy.parents and not paused
    return replace(rule, policy=replace(rule.policy, **rows, parents=parents), period=period)


def schools_that_suffice(rules: Sequence[SchoolRule]) -> tuple[str, ...]:
    """The orgs whose lists of students and teachers hold everybody that the rules want; empty when all users must be read.

    Staff, administrators and guardians stand in no list of a school, so their absence from one proves nothing.
    """
    others = (RoleGroup.STAFF, RoleGroup.ADMINS)
    for rule in rules:
        if rule.policy.parents or rule.policy.own or any(rule.policy.of(group).roster for group in others):
            return ()
    return tuple(dict.fromkeys(rule.org for rule in rules if rule.policy.rosters_anyone))


def fingerprint(rules: tuple[SchoolRule, ...]) -> bytes:
    """16 bytes that differ whenever what these rules would decide could differ. What only waits is not part of it: limits
    hold a plan that is made, and whoever is in grace is looked at every night."""
    decides = [_decides(rule) for rule in sorted(rules, key=lambda rule: rule.school)]
    return hashlib.blake2b(json.dumps(decides).encode(), digest_size=16).digest()


def _decides(rule: SchoolRule) -> tuple[Any, ...]:
    rows = [rule.policy.of(group) for group in RoleGroup]
    switches = [(row.roster, row.auto_update, row.archive, sorted(row.keep)) for row in rows]
    return rule.school, rule.org, rule.policy.parents, switches, [own.line for own in rule.policy.own]
