"""The CSV tables of the standard: which columns each file has, in order, which must be filled, and what may stand in them.

A column is written as `name`, `*` when it must be filled, and after a colon what it holds: `>orgs` the sourcedId of an org,
`>>orgs` a list of them, `=word` a word of that vocabulary, `==word` a list of them, else one of `date`, `year`, `boolean`,
`integer`, `number`, `list`, `userIds`, `pairs`; without a colon any text.
Source: OneRoster CSV Tables 1.1.1 and CSV Binding 1.2.1; FACTS of the standard, sections 7.2 to 7.5.
"""

import re
from dataclasses import dataclass

from homeroom.oneroster.endpoints import V1P1, V1P2

FLAGS = (
    "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander",
    "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity",
)  # fmt: skip
_USERS_START = "givenName* familyName* middleName identifier email sms phone agentSourcedIds:>>users grades:list password"
_USERS_END = "preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId:>orgs pronouns"
_BOTH = {
    "academicSessions": "title* type*:=session startDate*:date endDate*:date parentSourcedId:>academicSessions schoolYear*:year",
    "orgs": "name* type*:=org identifier parentSourcedId:>orgs",
    "courses": "schoolYearSourcedId:>academicSessions title* courseCode grades:list orgSourcedId*:>orgs subjects:list "
    "subjectCodes:list",
    "classes": "title* grades:list courseSourcedId*:>courses classCode classType*:=class location schoolSourcedId*:>orgs "
    "termSourcedIds*:>>academicSessions subjects:list subjectCodes:list periods:list",
    "enrollments": "classSourcedId*:>classes schoolSourcedId*:>orgs userSourcedId*:>users role*:=enrollment primary:boolean "
    "beginDate:date endDate:date",
    "demographics": f"birthDate:date sex:=sex {':boolean '.join(FLAGS)}:boolean "
    "countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus",
    "resources": "vendorResourceId* title roles:==resourceRole importance:=importance vendorId applicationId",
    "classResources": "title classSourcedId*:>classes resourceSourcedId*:>resources",
    "courseResources": "title courseSourcedId*:>courses resourceSourcedId*:>resources",
}
_LINE_ITEM = "title* description assignDate*:date dueDate*:date classSourcedId*:>classes categorySourcedId*:>categories"
_RESULT = "lineItemSourcedId*:>lineItems studentSourcedId*:>users scoreStatus*:=scoreStatus"
_WORDS = {
    V1P1: {
        **_BOTH,
        "users": f"enabledUser*:boolean orgSourcedIds*:>>orgs role*:=role username* userIds:userIds {_USERS_START}",
        "categories": "title*",
        "lineItems": f"{_LINE_ITEM} gradingPeriodSourcedId*:>academicSessions resultValueMin*:number resultValueMax*:number",
        "results": f"{_RESULT} score*:number scoreDate*:date comment",
    },
    V1P2: {
        **_BOTH,
        "users": f"enabledUser*:boolean username* userIds:userIds {_USERS_START} userMasterIdentifier {_USERS_END}",
        "roles": "userSourcedId*:>users roleType*:=roleType role*:=role beginDate:date endDate:date orgSourcedId*:>orgs "
        "userProfileSourcedId:>userProfiles",
        "userProfiles": "userSourcedId*:>users profileType* vendorId* applicationId description credentialType* username* "
        "password",
        "userResources": "userSourcedId*:>users orgSourcedId:>orgs classSourcedId:>classes resourceSourcedId*:>resources",
        "categories": "title* weight:integer",
        "lineItems": f"{_LINE_ITEM} academicSessionSourcedId*:>academicSessions resultValueMin:number resultValueMax:number "
        "schoolSourcedId*:>orgs",
        "results": f"{_RESULT} score:number scoreDate*:date comment textScore classSourcedId:>classes inProgress:boolean "
        "incomplete:boolean late:boolean missing:boolean",
        "scoreScales": "title* type* orgSourcedId*:>orgs courseSourcedId*:>courses classSourcedId*:>classes "
        "scoreScaleValue*:pairs",
        "lineItemScoreScales": "title lineItemSourcedId*:>lineItems scoreScaleSourcedId*:>scoreScales",
        "resultScoreScales": "title resultSourcedId*:>results scoreScaleSourcedId*:>scoreScales",
        "lineItemLearningObjectiveIds": "lineItemSourcedId*:>lineItems source*:=objectiveSource learningObjectiveId*",
        "resultLearningObjectiveIds": "resultSourcedId*:>results source*:=objectiveSource learningObjectiveId* score:number "
        "textScore",
    },
}
# The users file of 1.2 before its correction 1.2.1: still met, and no fault of those who send it.
_USERS_BEFORE = f"{_WORDS[V1P2]['users']}".replace(
    "preferredGivenName", "resourceSourcedIds:>>resources preferredGivenName"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, whether it must be filled, what it holds, and whose sourcedIds those are, if anyone's."""

    name: str
    required: bool
    holds: str  # "text", "date", ..., "id", "ids", "word", "words"
    of: str = ""  # the table that is named, or the vocabulary

    @property
    def is_reference(self) -> bool:
        """Whether it names other rows."""
        return self.holds in ("id", "ids")


_COLUMN = re.compile(r"(\w+)(\*?)(?::(>>|>|==|=)?(\w+))?")
_HOLDS = {">": "id", ">>": "ids", "=": "word", "==": "words"}


def _columns(words: str) -> tuple[Column, ...]:
    start = (
        Column("sourcedId", required=True, holds="id"),
        Column("status", required=False, holds="text"),
        Column("dateLastModified", required=False, holds="text"),
    )
    return *start, *(_column(word) for word in words.split())


def _column(word: str) -> Column:
    found = _COLUMN.fullmatch(word)
    if found is None:
        raise ValueError(word)
    name, star, mark, rest = found.groups()
    if mark:
        return Column(name, bool(star), _HOLDS[mark], rest)
    return Column(name, bool(star), rest or "text")


TABLES = {
    version: {table: _columns(words) for table, words in tables.items()} for version, tables in _WORDS.items()
}
USERS_BEFORE = _columns(_USERS_BEFORE)
COLUMNS = {
    version: {table: tuple(column.name for column in columns) for table, columns in tables.items()}
    for version, tables in TABLES.items()
}
# The order in which files are read, so that most of what is referred to comes first.
READ_ORDER = tuple(
    "orgs academicSessions courses classes users userProfiles roles enrollments demographics resources classResources "
    "courseResources userResources categories lineItems results scoreScales lineItemScoreScales resultScoreScales "
    "lineItemLearningObjectiveIds resultLearningObjectiveIds".split()
)
# What is served; the rest is checked and left.
SERVED = READ_ORDER[: READ_ORDER.index("demographics") + 1]
SMALLEST_SET = {
    V1P1: ("academicSessions", "classes", "courses", "enrollments", "orgs", "users"),
    V1P2: ("academicSessions", "classes", "courses", "enrollments", "orgs", "roles", "users"),
}
# What columns were called in 1.0, and are still called here and there.
OLD_NAMES = {
    "users": {"userId": "userIds", "agents": "agentSourcedIds"},
    "courses": {"schoolYearId": "schoolYearSourcedId", "grade": "grades"},
    "classes": {"grade": "grades", "termSourcedId": "termSourcedIds"},
    "demographics": {"userSourcedId": "sourcedId"},
}

ROLES_1P1 = ("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher")
ROLES_1P2 = (
    *("aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative"),
    *("siteAdministrator", "student", "systemAdministrator", "teacher"),
)
# Each vocabulary: its words in 1.1 and in 1.2, and whether 1.2 lets it be extended by `ext:` words; 1.1 lets none.
VOCABULARIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "session": (*(("gradingPeriod", "schoolYear", "semester", "term"),) * 2, True),
    "org": (*(("department", "district", "local", "national", "school", "state"),) * 2, True),
    "class": (*(("homeroom", "scheduled"),) * 2, True),
    "role": (ROLES_1P1, ROLES_1P2, True),
    "enrollment": (*(("administrator", "proctor", "student", "teacher"),) * 2, True),
    "roleType": (*(("primary", "secondary"),) * 2, False),
    "importance": (*(("primary", "secondary"),) * 2, False),
    "resourceRole": (ROLES_1P1, ROLES_1P1, True),
    "sex": (("female", "male"), ("female", "male", "other", "unspecified"), True),
    "scoreStatus": (
        *(("exempt", "fully graded", "not submitted", "partially graded", "submitted"),) * 2,
        True,
    ),
    "objectiveSource": (*(("case", "unknown"),) * 2, True),
}
