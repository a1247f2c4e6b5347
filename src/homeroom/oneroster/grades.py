"""Grade codes brought to one form: the CEDS entry grade levels of the standard, from what systems really send."""

import re

CEDS = ("IT", "PR", "PK", "TK", "KG", *(f"{n:02}" for n in range(1, 14)), "PS", "UG", "Other")
_WORDS = {
    "k": "KG",
    "kg": "KG",
    "kindergarten": "KG",
    "kinder": "KG",
    "pk": "PK",
    "prek": "PK",
    "pre-k": "PK",
    "prekindergarten": "PK",
    "preschool": "PR",
    "tk": "TK",
    "transitionalkindergarten": "TK",
    "ungraded": "UG",
    "postsecondary": "PS",
    "freshman": "09",
    "sophomore": "10",
    "junior": "11",
    "senior": "12",
}
_CODES = {code.lower(): code for code in CEDS}
_NUMBER = re.compile(
    r"(?:grade|gr\.?|year|klasse)?\s*0*(\d{1,2})(?:st|nd|rd|th)?(?:\s*grade)?", re.IGNORECASE
)


def one_form(word: str) -> tuple[str, bool]:
    """A grade in CEDS form and whether it is known: "9", "Grade 9" and "9th" are "09". Unknown ones are kept."""
    given = word.strip()
    lower = given.lower()
    known = _CODES.get(lower) or _WORDS.get(lower.replace(" ", ""))
    if known:
        return known, True
    number = _NUMBER.fullmatch(given)
    if number and 1 <= int(number[1]) <= 13:
        return f"{int(number[1]):02}", True
    return given[:16], False
