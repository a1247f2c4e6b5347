"""Grade codes brought to one form: the CEDS entry grade levels of the standard, from what systems really send."""

import re

CEDS = ("IT", "PR", "PK", "TK", "KG", *(f"{n:02}" for n in range(1, 14)), "PS", "UG", "Other")
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
# Local words, without blanks, dots, dashes and the word "grade".
_LOCAL = {
    "IT": "infant toddler infanttoddler",
    "PR": "preschool earlychildhood ec ece ee -2",
    "PK": "prek prekindergarten prekinder pk3 pk4 p3 p4 pka pkp prek3 prek4 3k 4k -1",
    "TK": "transitionalkindergarten transitional t-k",
    "KG": "k kindergarten kinder kdg kn kf kh kk ka kp fullkindergarten halfkindergarten 0 00 k5 5k",
    "09": "freshman fr",
    "10": "sophomore so",
    "11": "junior jr",
    "12": "senior sr",
    "PS": "postsecondary postgraduate pg",
    "UG": "ungraded nongraded ng",
    "Other": "other oth",
}
_WORDS = {
    word.replace("-", ""): code for code, words in _LOCAL.items() for word in words.split() if word[0] != "-"
}
_WORDS |= {code.lower(): code for code in CEDS}
_WORDS |= {word: f"{number:02}" for number, word in enumerate(_ORDINALS.split(), 1)}
_SIGNED = {"-1": "PK", "-2": "PR"}  # some systems count down from kindergarten
# The word "grade" and its like, blanks and dots, the ending of 9th. A dash before a digit is no noise: K-5 is a span.
_NOISE = re.compile(
    r"(?:^|(?<=[\s._\d-]))(?:grade|gr|level|year|klasse)(?![a-z]{2})[\s._-]*|[\s._]|-(?!\d)|(?<=\d)(?:st|nd|rd|th)"
)
_NUMBER = re.compile(r"g?0*(\d{1,2})", re.IGNORECASE)


def one_form(word: str) -> tuple[str, bool]:
    """A grade in CEDS form and whether it is known: "9", "Grade 9" and "9th" are "09". Unknown ones are kept."""
    given = word.strip()
    bare = _NOISE.sub("", re.sub(r"\.0+$", "", given.lower()))
    known = _SIGNED.get(given) or _WORDS.get(bare)
    if known:
        return known, True
    number = _NUMBER.fullmatch(bare)
    if number and given[:1] != "-" and 1 <= int(number[1]) <= 13:
        return f"{int(number[1]):02}", True
    return given[:16], False
