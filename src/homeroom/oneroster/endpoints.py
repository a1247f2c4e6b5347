"""One table of the 41 rostering operations, the same in 1.1 and 1.2. Client and server both stand on it.

Source: FACTS of the standard, OneRoster 1.2 rostering OpenAPI (final, 2022) and tables 3.1a to c of 1.1.
"""

import re
from dataclasses import dataclass

V1P1, V1P2 = "1.1", "1.2"
BASE_PATHS = {V1P1: "/ims/oneroster/v1p1", V1P2: "/ims/oneroster/rostering/v1p2"}
SCOPE_PREFIX = {
    V1P1: "https://purl.imsglobal.org/spec/or/v1p1/scope/",
    V1P2: "https://purl.imsglobal.org/spec/or/v1p2/scope/",
}
CORE_SCOPES = ("roster-core.readonly", "roster.readonly")
SCOPES_FOR = {"core": CORE_SCOPES, "full": ("roster.readonly",), "demo": ("roster-demographics.readonly",)}
ALL_SCOPES = ("roster.readonly", "roster-core.readonly", "roster-demographics.readonly")

# The word of a collection in a body, and of one object of it.
SINGLE = {
    "academicSessions": "academicSession",
    "orgs": "org",
    "users": "user",
    "courses": "course",
    "classes": "class",
    "enrollments": "enrollment",
    "demographics": "demographics",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `path` has {placeholders}; `kind` is the collection of records it gives; `subset` narrows them.

    A subset is the org type, session type or user role meant ("school", "term", "student"); "" means all.
    `parents` names what each placeholder is, in order, for the operations that list by parent.
    """

    path: str
    operation: str
    kind: str
    scope: str
    subset: str = ""
    parents: tuple[str, ...] = ()
    single: bool = False

    @property
    def key(self) -> str:
        """The word in the body: `users` under /students, `user` under /students/{id}."""
        return SINGLE[self.kind] if self.single else self.kind


def _pairs() -> list[Endpoint]:
    rows = (
        ("academicSessions", "academicSessions", "", "AcademicSession"),
        ("gradingPeriods", "academicSessions", "gradingPeriod", "GradingPeriod"),
        ("terms", "academicSessions", "term", "Term"),
        ("orgs", "orgs", "", "Org"),
        ("schools", "orgs", "school", "School"),
        ("courses", "courses", "", "Course"),
        ("classes", "classes", "", "Class"),
        ("users", "users", "", "User"),
        ("students", "users", "student", "Student"),
        ("teachers", "users", "teacher", "Teacher"),
        ("enrollments", "enrollments", "", "Enrollment"),
        ("demographics", "demographics", "", "Demographics"),
    )
    pairs = []
    for path, kind, subset, word in rows:
        scope = "demo" if kind == "demographics" else "core"
        every = f"getAll{path[0].upper()}{path[1:]}"
        pairs.append(Endpoint(f"/{path}", every, kind, scope, subset))
        pairs.append(Endpoint(f"/{path}/{{id}}", f"get{word}", kind, scope, subset, single=True))
    return pairs


def _by_parent() -> list[Endpoint]:
    rows = (
        ("/schools/{school}/classes", "getClassesForSchool", "classes", ""),
        ("/schools/{school}/courses", "getCoursesForSchool", "courses", ""),
        ("/schools/{school}/enrollments", "getEnrollmentsForSchool", "enrollments", ""),
        ("/schools/{school}/students", "getStudentsForSchool", "users", "student"),
        ("/schools/{school}/teachers", "getTeachersForSchool", "users", "teacher"),
        ("/schools/{school}/terms", "getTermsForSchool", "academicSessions", "term"),
        (
            "/schools/{school}/classes/{class}/enrollments",
            "getEnrollmentsForClassInSchool",
            "enrollments",
            "",
        ),
        ("/schools/{school}/classes/{class}/students", "getStudentsForClassInSchool", "users", "student"),
        ("/schools/{school}/classes/{class}/teachers", "getTeachersForClassInSchool", "users", "teacher"),
        ("/terms/{term}/classes", "getClassesForTerm", "classes", ""),
        ("/terms/{term}/gradingPeriods", "getGradingPeriodsForTerm", "academicSessions", "gradingPeriod"),
        ("/courses/{course}/classes", "getClassesForCourse", "classes", ""),
        ("/classes/{class}/students", "getStudentsForClass", "users", "student"),
        ("/classes/{class}/teachers", "getTeachersForClass", "users", "teacher"),
        ("/students/{student}/classes", "getClassesForStudent", "classes", ""),
        ("/teachers/{teacher}/classes", "getClassesForTeacher", "classes", ""),
        ("/users/{user}/classes", "getClassesForUser", "classes", ""),
    )
    return [
        Endpoint(
            path,
            operation,
            kind,
            "full",
            subset,
            tuple(part[1:-1] for part in path.split("/") if "{" in part),
        )
        for path, operation, kind, subset in rows
    ]


ENDPOINTS: tuple[Endpoint, ...] = (*_pairs(), *_by_parent())
_SHAPES = {tuple("" if "{" in part else part for part in e.path.strip("/").split("/")): e for e in ENDPOINTS}
# A sourcedId may hold a slash, and a server is handed its path decoded: then the words around it tell where it ends.
LONGEST = 800  # two ids and the words around them; nobody shall make us search a longer path
_AROUND_IDS = [
    (re.compile(re.sub(r"\{\w+\}", "(.+)", endpoint.path)), endpoint)
    for endpoint in sorted(ENDPOINTS, key=lambda endpoint: -len(endpoint.path))
    if "{" in endpoint.path
]


def match(path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
    """The operation of a path below the base ("/schools/x/students") and its ids; None when there is none."""
    parts = [part for part in path.split("/") if part]
    shape = tuple("" if index % 2 else part for index, part in enumerate(parts))
    endpoint = _SHAPES.get(shape)
    return (endpoint, tuple(parts[1::2])) if endpoint else _around_ids("/" + "/".join(parts))


def _around_ids(path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
    if len(path) > LONGEST:
        return None
    found = ((pattern.fullmatch(path), endpoint) for pattern, endpoint in _AROUND_IDS)
    return next(((endpoint, fits.groups()) for fits, endpoint in found if fits), None)
