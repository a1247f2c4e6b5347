"""Holding: a surprising number of removals waits for a person, while additions and updates go on."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeroom.sync.roster import Place
from homeroom.sync.rules import Policy

# Under this many people one person is already ten per cent, and a percentage would hold every ordinary leaver.
SMALL_GROUP = 10


@dataclass(frozen=True, slots=True)
class Hold:
    """Removals of one school and role group that wait. `reason` carries the numbers and the way out."""

    place: Place
    count: int
    of: int
    percent: float
    reason: str


def holds(
    archives: Mapping[Place, int], active: Mapping[Place, int], policies: Mapping[int, Policy]
) -> list[Hold]:
    """Which groups wait. At a limit goes on; over it is held."""
    found = []
    for place in sorted(archives, key=lambda place: (place.school, place.group.value)):
        policy = policies[place.school]
        count, of = archives[place], max(active.get(place, 0), archives[place])
        percent = 100 * count / of if of else 0.0
        if count > policy.hold_count or (percent > policy.hold_percent and of >= SMALL_GROUP):
            found.append(
                Hold(place, count, of, round(percent, 1), _reason(place, count, of, percent, policy))
            )
    return found


def _reason(place: Place, count: int, of: int, percent: float, policy: Policy) -> str:
    limits = f"limit {policy.hold_percent:g} % or {policy.hold_count}"
    return (
        f"{count} of {of} {place.group.value} would be archived ({percent:.0f} %, {limits}). "
        "Nobody was archived; look at the list, then approve or discard."
    )


def vanished(before: Mapping[Place, int], seen: Mapping[Place, int]) -> list[Place]:
    """Places that had people and of which the reading has none: no proof of leaving, but of a cut reading."""
    return sorted(
        (place for place, count in before.items() if count and not seen.get(place)),
        key=lambda place: (place.school, place.group.value),
    )
