"""Which fields each kind of record has in each version, and what they hold: what may be filtered, sorted, selected and described.

Source: FACTS of the standard, tables 4.1 to 4.8. One word a field: `*` it is always there, `+` it holds several, `:` what it holds
when that is not a text: a day, a time, a flag ("true" or "false"), a word of a vocabulary, `@` a reference, or the name of a part.
"""

from dataclasses import dataclass

from homeroom.oneroster.endpoints import V1P1, V1P2
from homeroom.oneroster.tables import FLAGS

_COMMON = "sourcedId* status*:word dateLastModified*:time metadata:free"
_USER = (
    "username userIds:userIds+ enabledUser*:flag givenName* familyName* middleName identifier email sms phone "
    "agents:@user+ grades+ password"
)
_PLAIN = {
    "orgs": "name* type*:word identifier* parent:@org children:@org+",
    "academicSessions": "title* startDate*:day endDate*:day type*:word parent:@academicSession children:@academicSession+ schoolYear*",
    "courses": "title* schoolYear:@academicSession courseCode* grades+ subjects+ subjectCodes+ org:@org resources:@resource+",
    "classes": "title* classCode classType:word location grades+ subjects+ subjectCodes+ course*:@course school*:@org "
    "terms*:@academicSession+ periods+ resources:@resource+",
    "enrollments": "user*:@user class*:@class school*:@org role*:word primary:flag beginDate:day endDate:day",
    "demographics": "birthDate:day sex:word countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus "
    + " ".join(f"{flag}:flag" for flag in FLAGS),
}
_USERS = {
    V1P1: f"{_USER} role*:word orgs*:@org+",
    V1P2: f"{_USER} roles*:roles+ primaryOrg:@org userMasterIdentifier preferredFirstName preferredMiddleName "
    "preferredLastName pronouns userProfiles:userProfiles+ resources:@resource+",
}
_PARTS = {
    V1P1: {"userIds": "type identifier*"},
    V1P2: {
        "userIds": "type* identifier*",
        "roles": "roleType*:word role*:word org*:@org userProfile beginDate:day endDate:day",
        "userProfiles": "profileId* profileType* vendorId* applicationId description credentials:free+",
    },
}
REFERENCE = ("href", "sourcedId", "type")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, what it holds, whether it holds several of it, and whether an object always has it."""

    name: str
    holds: str
    several: bool
    always: bool

    @property
    def target(self) -> str:
        """What a reference refers to ("org"), else nothing."""
        return self.holds[1:] if self.holds.startswith("@") else ""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a dotted name leads in a record's JSON: through which names, whether through a list, and to what."""

    names: tuple[str, ...]
    several: bool
    holds: str


def _fields(text: str) -> dict[str, Field]:
    found = {}
    for word in text.split():
        said, _, holds = word.rstrip("+").partition(":")
        name = said.rstrip("*")
        found[name] = Field(name, holds or "text", word.endswith("+"), said.endswith("*"))
    return found


FIELDS = {
    version: {
        kind: _fields(f"{_COMMON} {text}") for kind, text in (("users", _USERS[version]), *_PLAIN.items())
    }
    for version in (V1P1, V1P2)
}
PARTS = {version: {name: _fields(text) for name, text in parts.items()} for version, parts in _PARTS.items()}
TOP = {
    version: {kind: frozenset(fields) for kind, fields in kinds.items()} for version, kinds in FIELDS.items()
}

# The names under which a record holds several values, in either version.
LISTS = frozenset(
    field.name
    for kinds in FIELDS.values()
    for fields in kinds.values()
    for field in fields.values()
    if field.several
)


def find(version: str, kind: str, dotted: str) -> Found | None:
    """Where a dotted name of a filter or sort leads, or None when there is no such field or it holds no plain value.

    A reference by itself means the sourcedId in it. What stands under `metadata` is free, a dot being part of its name.
    """
    name, _, rest = dotted.partition(".")
    field = FIELDS[version][kind].get(name)
    if field is not None and field.holds in PARTS[version]:
        name, _, rest = rest.partition(".")
        part = PARTS[version][field.holds].get(name)
        below = _plain(part, rest) if part is not None else None
        return below and Found((field.name, *below.names), field.several or below.several, below.holds)
    return _plain(field, rest) if field is not None else None


def _plain(field: Field, rest: str) -> Found | None:
    if field.target:
        last = rest or "sourcedId"
        found = Found((field.name, last), field.several, "href" if last == "href" else "text")
        return found if last in REFERENCE else None
    if field.holds == "free":
        return Found((field.name, rest), field.several, "text") if rest else None
    return None if rest else Found((field.name,), field.several, field.holds)
