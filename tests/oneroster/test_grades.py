"""Grade codes of the field, brought to the standard's."""

import pytest

from homeroom.oneroster.grades import CEDS, one_form

SAID = {
    "IT": "IT infant Toddler",
    "PR": "PR Preschool EC early_childhood -2",
    "PK": "PK Pre-K prek PK3 PK4 P4 -1 prekindergarten",
    "TK": "TK tk transitional_kindergarten",
    "KG": "K KG k 0 00 Kindergarten KF Grade_K K5",
    "01": "1 01 1st Grade_1 G1 First 1.0 grade_01 Gr._1",
    "09": "9 09 9th Grade_9 Grade-9 grade9 9th_grade Freshman Gr9 ninth_grade",
    "12": "12 12th Senior twelfth",
    "13": "13",
    "PS": "PS postsecondary",
    "UG": "UG Ungraded",
    "Other": "Other OTHER",
}


@pytest.mark.parametrize(
    ("word", "code"), [(w.replace("_", " "), c) for c, said in SAID.items() for w in said.split()]
)
def test_a_known_grade_has_one_form(word: str, code: str) -> None:
    assert one_form(word) == (code, True)


@pytest.mark.parametrize("code", CEDS)
def test_the_standards_own_codes_stay(code: str) -> None:
    assert one_form(code) == (code, True)


@pytest.mark.parametrize("word", ["14", "99", "-9", "Blue", "K-5", "9/10", "grade", "", "A" * 99])
def test_what_is_no_grade_is_kept_and_said(word: str) -> None:
    assert one_form(word) == (word[:16], False)
