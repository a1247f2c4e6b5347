"""The policy: which role groups of a school are rostered, what the sync may do to them, when it must stop."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from homeroom.sync.roster import RoleGroup

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


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """One row of the grid. All off is the safe default: nobody is rostered, changed or archived."""

    roster: bool = False
    auto_update: bool = False
    archive: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The sync settings of one school's roster link."""

    students: GroupPolicy = field(default_factory=GroupPolicy)
    teachers: GroupPolicy = field(default_factory=GroupPolicy)
    staff: GroupPolicy = field(default_factory=GroupPolicy)
    admins: GroupPolicy = field(default_factory=GroupPolicy)
    parents: bool = False
    hold_percent: float = 5.0
    hold_count: int = 25

    def of(self, group: RoleGroup) -> GroupPolicy:
        """The row of one role group."""
        row: GroupPolicy = getattr(self, group.value)
        return row

    @property
    def rosters_anyone(self) -> bool:
        """Whether any role group is on: without one a sync has nobody to bring."""
        return any(self.of(group).roster for group in RoleGroup)


@dataclass(frozen=True, slots=True)
class SchoolRule:
    """One school of a run: its id with us, its org's sourcedId with the source, and its policy."""

    school: int
    org: str
    policy: Policy


def fingerprint(rules: tuple[SchoolRule, ...]) -> bytes:
    """16 bytes that differ whenever what these rules would decide could differ. Hold limits are not part of it."""
    decides = [
        (rule.school, rule.org, rule.policy.parents, [asdict(rule.policy.of(group)) for group in RoleGroup])
        for rule in sorted(rules, key=lambda rule: rule.school)
    ]
    return hashlib.blake2b(json.dumps(decides).encode(), digest_size=16).digest()
