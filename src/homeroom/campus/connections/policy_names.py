"""The flat names of all settings, as pages, commands and scripts use them: one table, where each is in the policy."""

from dataclasses import dataclass, replace
from typing import Any

from homeroom.campus.connections.policy_kinds import (
    ADDITIONS,
    DAYS,
    EMAILS,
    FIELDS,
    MATCHING,
    MONTH_DAY,
    OWN_RULES,
    PAUSES,
    PEOPLE,
    PERCENT,
    RUNS,
    SMALL,
    SWITCH,
    TIME,
    Kind,
)
from homeroom.sync.periods import Period, PeriodKind
from homeroom.sync.roster import RoleGroup
from homeroom.sync.rules import Policy

GROUPS = tuple(group.value for group in RoleGroup)
# What a limit is called: removals came first and have the short name.
HOLDS = {"archive": "hold", "add": "hold.add", "update": "hold.update"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value inside a policy, at a path of attribute names."""

    kind: Kind
    path: tuple[str, ...]

    def of(self, policy: Policy) -> Any:
        """The value."""
        found: Any = policy
        for name in self.path:
            found = getattr(found, name)
        return found

    def set(self, policy: Policy, value: Any) -> Policy:
        """The policy with another value."""
        changed: Policy = _with(policy, self.path, value)
        return changed


def _with(whole: Any, path: tuple[str, ...], value: Any) -> Any:
    first, *rest = path
    return replace(whole, **{first: _with(getattr(whole, first), tuple(rest), value) if rest else value})


@dataclass(frozen=True, slots=True)
class Periods(Setting):
    """The periods of one kind, among those of the other."""

    period: PeriodKind = PeriodKind.PAUSE

    def of(self, policy: Policy) -> tuple[Period, ...]:
        """Those of the kind."""
        return tuple(period for period in policy.periods if period.kind is self.period)

    def set(self, policy: Policy, value: tuple[Period, ...]) -> Policy:
        """The policy with other periods of the kind."""
        rest = tuple(period for period in policy.periods if period.kind is not self.period)
        return replace(policy, periods=(*rest, *value))


def _limits(*where: str) -> dict[str, Setting]:
    start = ".".join((*where, ""))
    path = (*where, "limits")
    return {
        f"{start}{name}.{unit}": Setting(kind, (*path, action, unit))
        for action, name in HOLDS.items()
        for unit, kind in (("percent", PERCENT), ("count", PEOPLE))
    }


def _group(group: str) -> dict[str, Setting]:
    return {
        group: Setting(SWITCH, (group, "roster")),
        f"{group}.auto_update": Setting(SWITCH, (group, "auto_update")),
        f"{group}.archive": Setting(SWITCH, (group, "archive")),
        f"{group}.keep": Setting(FIELDS, (group, "keep")),
        **_limits(group),
    }


POLICY: dict[str, Setting] = {
    **{name: setting for group in GROUPS for name, setting in _group(group).items()},
    "rules": Setting(OWN_RULES, ("own",)),
    "parents": Setting(SWITCH, ("parents",)),
    **_limits(),
    "hold.small": Setting(SMALL, ("small",)),
    "approve.second": Setting(PEOPLE, ("second",)),
    "grace.runs": Setting(RUNS, ("grace", "runs")),
    "grace.days": Setting(DAYS, ("grace", "days")),
    "pause": Periods(PAUSES, ("periods",), PeriodKind.PAUSE),
    "additions_only": Periods(ADDITIONS, ("periods",), PeriodKind.ADDITIONS),
    "year.end": Setting(MONTH_DAY, ("year_end",)),
}
OTHERS: dict[str, Kind] = {
    "matching": MATCHING,
    "births": SWITCH,
    "enabled": SWITCH,
    "time": TIME,
    "notify": EMAILS,
}


def known_names() -> str:
    """Every name, those of the role groups once."""
    mine = [name.removeprefix(f"{GROUPS[0]}.") for name in POLICY if name.startswith(f"{GROUPS[0]}.")]
    others = [name for name in (*POLICY, *OTHERS) if name.split(".")[0] not in GROUPS]
    return f"{', '.join(GROUPS)} (each also with .{', .'.join(mine)}), {', '.join(others)}"
