"""The CSV tables of the standard: which columns each rostering file has, in order, and which must be filled.

Source: OneRoster CSV Binding 1.1.1 and 1.2.1, section 7.4 of the tables. `*` marks a column that must be filled.
"""

from homeroom.oneroster.endpoints import V1P1, V1P2

START = ("sourcedId", "status", "dateLastModified")
_USERS_1P1 = (
    "enabledUser* orgSourcedIds* role* username* userIds givenName* familyName* middleName identifier email sms phone "
    "agentSourcedIds grades password"
)
_USERS_1P2 = (
    "enabledUser* username* userIds givenName* familyName* middleName identifier email sms phone agentSourcedIds "
    "grades password userMasterIdentifier preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId pronouns"
)
_BOTH = {
    "academicSessions": "title* type* startDate* endDate* parentSourcedId schoolYear*",
    "orgs": "name* type* identifier parentSourcedId",
    "courses": "schoolYearSourcedId title* courseCode grades orgSourcedId* subjects subjectCodes",
    "classes": "title* grades courseSourcedId* classCode classType* location schoolSourcedId* termSourcedIds* "
    "subjects subjectCodes periods",
    "enrollments": "classSourcedId* schoolSourcedId* userSourcedId* role* primary beginDate endDate",
    "demographics": "birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican "
    "nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity "
    "countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus",
}
_TABLES = {
    V1P1: {**_BOTH, "users": _USERS_1P1},
    V1P2: {
        **_BOTH,
        "users": _USERS_1P2,
        "roles": "userSourcedId* roleType* role* beginDate endDate orgSourcedId* userProfileSourcedId",
    },
}
COLUMNS = {
    version: {name: (*START, *(word.rstrip("*") for word in words.split())) for name, words in tables.items()}
    for version, tables in _TABLES.items()
}
REQUIRED = {
    version: {
        name: tuple(word.rstrip("*") for word in words.split() if word.endswith("*"))
        for name, words in tables.items()
    }
    for version, tables in _TABLES.items()
}
# Every file that a manifest of the version must name, rostering or not.
MANIFEST_FILES = {
    V1P1: "academicSessions categories classes classResources courses courseResources demographics enrollments "
    "lineItems orgs resources results users".split(),
}
MANIFEST_FILES[V1P2] = [
    *MANIFEST_FILES[V1P1],
    *"lineItemLearningObjectiveIds lineItemScoreScales resultLearningObjectiveIds resultScoreScales roles scoreScales "
    "userProfiles userResources".split(),
]
# The order in which files are read, so that what is referred to comes first; roles come before users, whose they are.
READ_ORDER = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "roles",
    "users",
    "enrollments",
    "demographics",
)
REQUIRED_FILES = {
    V1P1: ("academicSessions", "classes", "courses", "enrollments", "orgs", "users"),
    V1P2: ("academicSessions", "classes", "courses", "enrollments", "orgs", "roles", "users"),
}
FLAGS = (
    *(
        "americanIndianOrAlaskaNative",
        "asian",
        "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander",
    ),
    *("white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity"),
)
SESSION_TYPES = ("gradingPeriod", "semester", "schoolYear", "term")
ORG_TYPES = ("department", "district", "local", "national", "school", "state")
ROLES_1P1 = ("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher")
ROLES_1P2 = (
    *("aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative"),
    *("siteAdministrator", "student", "systemAdministrator", "teacher"),
)
ENUMS = {
    ("academicSessions", "type"): SESSION_TYPES,
    ("orgs", "type"): ORG_TYPES,
    ("classes", "classType"): ("homeroom", "scheduled"),
    ("enrollments", "role"): ("administrator", "proctor", "student", "teacher"),
    ("roles", "roleType"): ("primary", "secondary"),
    ("demographics", "sex"): ("male", "female", "unspecified", "other"),
}
