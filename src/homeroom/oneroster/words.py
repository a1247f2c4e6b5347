"""The words that REST allows in a field of a vocabulary, by version, and how a word is said that a version lacks.

1.2 lets most vocabularies be extended by one's own words (`ext:` and letters, digits, dot, hyphen, underscore). 1.1 lets none
(1EdTech's FAQ), so there a word that it lacks is told by the nearest that claims least. Source: FACTS of the standard, section 6.
"""

import re

from homeroom.oneroster.endpoints import V1P1
from homeroom.oneroster.tables import ROLES_1P1, VOCABULARIES

# The field of each kind that holds a word; users have theirs in their roles.
WORD_FIELDS = {
    "orgs": "type",
    "academicSessions": "type",
    "classes": "classType",
    "enrollments": "role",
    "demographics": "sex",
}
_VOCABULARY = {
    "orgs.type": "org",
    "academicSessions.type": "session",
    "classes.classType": "class",
    "demographics.sex": "sex",
    "enrollments.role": "enrollment",
    "users.role": "role",
    "roles.role": "role",
    "roles.roleType": "roleType",
}
OWN = r"ext:[a-zA-Z0-9.\-_]+"
_NEAREST_1P1 = {"orgs": "department", "academicSessions": "semester", "enrollments": "aide"}
_FAMILY = ("guardian", "parent", "relative")


def words(version: str, table: str, field: str) -> tuple[str, ...]:
    """The standard's words for a field of a kind of record, or of a user's `roles`."""
    if field == "status":
        return ("active", "tobedeleted")
    if (version, table) == (V1P1, "enrollments"):  # REST takes any role there, CSV some
        return ROLES_1P1
    first, second, _ = VOCABULARIES[_VOCABULARY[f"{table}.{field}"]]
    return first if version == V1P1 else second


def is_open(version: str, table: str, field: str) -> bool:
    """Whether a field may hold words of one's own."""
    return version != V1P1 and field != "status" and VOCABULARIES[_VOCABULARY[f"{table}.{field}"]][2]


def extended(said: str, allowed: tuple[str, ...]) -> str:
    """A word as 1.2 says it: the standard's, or one's own."""
    if said in allowed or re.fullmatch(OWN, said):
        return said
    own = re.sub(r"[^a-zA-Z0-9.\-_]", "_", said.removeprefix("ext:"))
    return f"ext:{own or 'unknown'}"


def nearest(said: str, kind: str, allowed: tuple[str, ...]) -> str:
    """A word as 1.1 says it; nothing where it has none near and need not say any."""
    return said if said in allowed else _NEAREST_1P1.get(kind, "")


def nearest_role(own: str) -> str:
    """A user's role in 1.1's words: family is said as family, all others are aides, who are "not one of the other roles"."""
    return next((word for word in _FAMILY if word in own.lower()), "aide" if own else "")
