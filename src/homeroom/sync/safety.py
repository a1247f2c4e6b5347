"""Holding: a surprising number of removals, additions or updates waits for a person, while the others go on."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeroom.sync.roster import Place
from homeroom.sync.rules import Limit, Policy

_WOULD = {"add": "added", "update": "changed", "archive": "archived"}


@dataclass(frozen=True, slots=True)
class Hold:
    """Changes of one kind, school and role group that wait. `says` carries the numbers, `reason` the way out too."""

    place: Place
    action: str
    count: int
    of: int
    percent: float
    says: str
    reason: str


Counts = Mapping[tuple[Place, str], int]


def holds(planned: Counts, active: Mapping[Place, int], policies: Mapping[int, Policy]) -> list[Hold]:
    """Which changes wait, of those `planned` by place and action. At a limit goes on; over it is held."""
    found = []
    for place, action in sorted(planned, key=lambda item: _order(*item)):
        policy, count = policies[place.school], planned[place, action]
        limit, of = policy.limit(place.group, action), max(active.get(place, 0), _least(action, count))
        percent = 100 * count / of if of else 0.0
        by_count = limit.count is not None and count > limit.count
        by_percent = limit.percent is not None and percent > limit.percent and of >= policy.small
        if by_count or by_percent:
            says = _says(place, action, count, of, limit)
            out = f"Nobody was {_WOULD[action]}; look at the list, then approve or discard."
            found.append(Hold(place, action, count, of, round(percent, 1), says, f"{says}. {out}"))
    return found


def _least(action: str, count: int) -> int:
    # Whoever is archived or changed is there; a newcomer is not, and where nobody is there is nothing to be a part of.
    return 0 if action == "add" else count


def _order(place: Place, action: str) -> tuple[int, str, str]:
    return place.school, place.group.value, action


def _says(place: Place, action: str, count: int, of: int, limit: Limit) -> str:
    limits = [f"{limit.percent:g} %"] if limit.percent is not None else []
    limits += [f"{limit.count}"] if limit.count is not None else []
    share = f"{100 * count / of:.0f} %, " if of else ""
    group = place.group.value
    new = f"{count} {group.removesuffix('s') if count == 1 else group}"
    whom = new if action == "add" else f"{count} of {of} {group}"
    return f"{whom} would be {_WOULD[action]} ({share}limit {' or '.join(limits)})"


def vanished(before: Mapping[Place, int], seen: Mapping[Place, int]) -> list[Place]:
    """Places that had people and of which the reading has none: no proof of leaving, but of a cut reading."""
    return sorted(
        (place for place, count in before.items() if count and not seen.get(place)),
        key=lambda place: (place.school, place.group.value),
    )
