"""What the decisions of one run stand on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from homeroom.sync.periods import Period
from homeroom.sync.roster import Place
from homeroom.sync.rules import Policy, SchoolRule


@dataclass(frozen=True, slots=True)
class Terms:
    """What the decisions of one run stand on: each school's policy as it is in force, the period it is in, whether the
    reading was complete, and which day it is."""

    policies: Mapping[int, Policy]
    complete: bool
    today: date = date.min
    periods: Mapping[int, Period] = field(default_factory=dict)

    def rosters(self, place: Place) -> bool:
        """Whether a place is ours to keep in step."""
        policy = self.policies.get(place.school)
        return policy is not None and policy.of(place.group).roster

    def updates(self, place: Place) -> bool:
        """Whether people already set up at a place may be changed."""
        return self.policies[place.school].of(place.group).auto_update

    def archives(self, place: Place) -> bool:
        """Whether those who left a place may be archived."""
        return self.policies[place.school].of(place.group).archive

    def keeps(self, places: Iterable[Place]) -> frozenset[str]:
        """The fields that a source may not set of somebody at these places: what one of them keeps, all keep."""
        known = [place for place in places if place.school in self.policies]
        return frozenset(name for place in known for name in self.policies[place.school].of(place.group).keep)

    def off(self, place: Place, switch: str) -> str:
        """Why a switch is off here, in words."""
        period = self.periods.get(place.school)
        return period.words if period else f"{switch} is off"


def terms_of(rules: Sequence[SchoolRule], today: date, *, complete: bool) -> Terms:
    """The terms of rules that are in force today."""
    periods = {rule.school: rule.period for rule in rules if rule.period}
    return Terms({rule.school: rule.policy for rule in rules}, complete, today, periods)
