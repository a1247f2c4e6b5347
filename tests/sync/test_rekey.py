"""When many new ids are one event, and which org is a vanished school under a new id."""

import pytest

from homeroom.sync.rekey import Rekeyed, is_rekey, reason, school_again
from homeroom.sync.roster import SourceOrg


@pytest.mark.parametrize(
    ("again", "known", "is_it"),
    [
        (0, 0, False),
        (1, 1, False),
        (2, 4, False),
        (3, 6, True),
        (3, 7, False),
        (9, 400, False),
        (10, 500, True),
        (10, 501, False),
        (40, 40, True),
    ],
)
def test_so_many_that_no_ordinary_night_has_them(again: int, known: int, is_it: bool) -> None:
    assert is_rekey(again, known) == is_it


LINCOLN, OAKWOOD = SourceOrg("x1", "Lincoln High", "4"), SourceOrg("x2", "Oakwood", "006")


def test_a_school_is_known_again_by_its_number_else_by_its_name() -> None:
    assert school_again("004", "", [LINCOLN, OAKWOOD]) is LINCOLN
    assert school_again("org-old", "oakwood ", [LINCOLN, OAKWOOD]) is OAKWOOD
    assert school_again("Oakwood", "", [LINCOLN, OAKWOOD]) is OAKWOOD


def test_a_school_that_could_be_two_or_is_anothers_is_not_known_again() -> None:
    assert school_again("", "Lincoln High", [LINCOLN, SourceOrg("x3", "Lincoln High")]) is None
    assert school_again("004", "", [LINCOLN], taken={"x1"}) is None
    assert school_again("", "", [SourceOrg("x4", "")]) is None
    assert school_again("", "Lincoln High", [SourceOrg("d", "Lincoln High", type="district")]) is None


def test_the_reason_says_what_it_is_and_what_to_do_with_the_numbers() -> None:
    said = reason(Rekeyed(1204, 1190, 800, 1210, SourceOrg("x1", "Lincoln High")), "Lincoln High")
    for words in (
        "1,210 people",
        "1,204 and 800 contacts",
        "confidence 98 %",
        "new id x1",
        "approve",
        "other people",
    ):
        assert words in said
