"""Holds: the limits by count and by percent, the small groups, and what a whole group missing means."""

import pytest

from homeroom.sync.roster import Place, RoleGroup
from homeroom.sync.rules import Policy
from homeroom.sync.safety import holds, vanished

HERE = Place(1, RoleGroup.STUDENTS)


@pytest.mark.parametrize(
    ("leaving", "of", "held"),
    [
        (5, 100, False),
        (6, 100, True),
        (25, 1000, False),
        (26, 1000, True),
        (1, 9, False),
        (9, 9, False),
        (1, 10, True),
    ],
)
def test_five_per_cent_or_twenty_five_people(leaving: int, of: int, held: bool) -> None:
    assert bool(holds({(HERE, "archive"): leaving}, {HERE: of}, {1: Policy()})) == held


def test_a_hold_says_how_many_of_how_many_and_what_to_do() -> None:
    (hold,) = holds({(HERE, "archive"): 40}, {HERE: 100}, {1: Policy()})
    assert hold.reason == (
        "40 of 100 students would be archived (40 %, limit 5 % or 25). "
        "Nobody was archived; look at the list, then approve or discard."
    )


def test_only_a_group_that_had_people_can_vanish() -> None:
    other = Place(1, RoleGroup.STAFF)
    assert vanished({HERE: 3, other: 0}, {}) == [HERE]
    assert vanished({HERE: 3}, {HERE: 1}) == []
