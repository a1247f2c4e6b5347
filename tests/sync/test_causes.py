"""What a hold probably is: each cause with its evidence and its next step, and what speaks for none of them."""

from datetime import date
from typing import Any

import pytest

from homeroom.sync.causes import Signs, probable
from homeroom.sync.grade_order import highest, rank
from homeroom.sync.roster import RoleGroup

SUMMER, SPRING = date(2026, 6, 20), date(2026, 4, 1)
TWELVE = {"grades": {"12": 409, "10": 3}, "top_grade": "12"}


def of(group: RoleGroup = RoleGroup.STUDENTS, today: date = SUMMER, **more: Any) -> Signs:
    said: dict[str, Any] = {"count": 412, "of": 2113, "rest": 120, "received": 2000, "before": 2113, **more}
    return Signs(group, today=today, **said)


@pytest.mark.parametrize(
    ("signs", "codes"),
    [
        (of(**TWELVE, year_end="06-12"), ["graduates"]),
        (of(**TWELVE, year_end="06-12", today=SPRING), ["graduates_early"]),
        (of(**TWELVE), ["graduates"]),
        (of(grades={"12": 200, "10": 212}, top_grade="12"), ["unclear"]),
        (of(namesakes=300), ["rekey"]),
        (of(namesakes=206), ["unclear"]),
        (of(down=200, back=40), ["last_year"]),
        (of(down=200, up=900), ["unclear"]),
        (of(count=2000, rest_leaving=110), ["whole_school"]),
        (of(count=2000, rest_leaving=2), ["role_off"]),
        (of(count=2000, rest=0), ["unclear"]),
        (of(received=1500), ["cut_reading"]),
        (of(received=1500, before=None), ["unclear"]),
        (of(moved=400), ["moved"]),
        (of(count=2000, rest_leaving=110, moved=1500), ["moved"]),
        (of(marked=400), ["marked"]),
        (of(marked=200), ["unclear"]),
        (of(**TWELVE, ruled=412), ["ruled"]),
        (of(count=2000, rest_leaving=2, ruled=1900), ["ruled"]),
        (of(**TWELVE, year_end="06-12", namesakes=400), ["rekey", "graduates"]),
        (of(RoleGroup.TEACHERS, **TWELVE), ["unclear"]),
    ],
)
def test_a_hold_says_what_it_probably_is(signs: Signs, codes: list[str]) -> None:
    assert [cause.code for cause in probable(signs)] == codes


def test_a_cause_carries_its_numbers_and_the_next_step() -> None:
    (cause,) = probable(of(**TWELVE, year_end="06-12"))
    assert cause.says == (
        "409 of 412 are in grade 12, the highest of this school, and the last day of school was 06-12"
    )
    assert cause.next == "They have graduated: look at the others, then approve."


def test_grades_stand_in_order() -> None:
    assert [rank(grade) for grade in ("PK", "KG", "01", "9", "12")] == sorted([-4, -2, 1, 9, 12])
    assert highest(["09", "KG", "UG"]) == "09"
    assert highest(["UG", ""]) == ""
