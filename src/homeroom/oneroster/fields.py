"""Which fields each kind of record has in each version: what may be filtered, sorted and selected.

`LISTS` are the names under which a record holds several values. Source: FACTS of the standard, tables 4.1 to 4.8.
"""

from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.tables import FLAGS

_COMMON = "sourcedId status dateLastModified metadata"
_REF = ("href", "sourcedId", "type")
_USER = "username userIds enabledUser givenName familyName middleName identifier email sms phone agents grades password"
_PLAIN = {
    "orgs": "name type identifier parent children",
    "academicSessions": "title startDate endDate type parent children schoolYear",
    "courses": "title schoolYear courseCode grades subjects subjectCodes org resources",
    "classes": "title classCode classType location grades subjects subjectCodes course school terms periods resources",
    "enrollments": "user class school role primary beginDate endDate",
    "demographics": "birthDate sex countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus "
    + " ".join(FLAGS),
}
_NESTED: dict[str, dict[str, tuple[str, ...]]] = {
    V1P1: {"userIds": ("type", "identifier")},
    V1P2: {
        "userIds": ("type", "identifier"),
        "roles": (
            "roleType",
            "role",
            "userProfile",
            "beginDate",
            "endDate",
            *(f"org.{name}" for name in _REF),
        ),
        "userProfiles": ("profileId", "profileType", "vendorId", "applicationId", "description"),
    },
}
_REFS = "parent children org course school terms user class agents orgs primaryOrg resources".split()
LISTS = frozenset(
    "children grades subjects subjectCodes terms periods userIds agents orgs roles resources userProfiles".split()
)


def _top(version: str, kind: str) -> list[str]:
    if kind != "users":
        return f"{_COMMON} {_PLAIN[kind]}".split()
    more = {
        V1P1: "role orgs",
        V1P2: "roles primaryOrg userMasterIdentifier preferredFirstName preferredMiddleName preferredLastName pronouns "
        "userProfiles resources",
    }
    return f"{_COMMON} {_USER} {more[version]}".split()


TOP = {v: {kind: frozenset(_top(v, kind)) for kind in ("users", *_PLAIN)} for v in (V1P1, V1P2)}


def is_field(version: str, kind: str, path: str) -> bool:
    """Whether a dotted name is a field of the kind in the version. What stands under `metadata` is free."""
    top, _, rest = path.partition(".")
    if top not in TOP[version][kind]:
        return False
    if not rest:
        return True
    if top == "metadata":
        return True
    if top in _NESTED[version]:
        return rest in _NESTED[version][top]
    # A course's schoolYear is a reference, a session's is a text.
    return (top in _REFS or (top == "schoolYear" and kind == "courses")) and rest in _REF


def is_list(path: str) -> bool:
    """Whether a dotted name leads through a list."""
    return any(name in LISTS for name in path.split("."))
