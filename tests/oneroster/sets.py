"""Two small sets that keep to the standard, in 1.1 and in 1.2, and how tests change them. Everyone in them is invented."""
# ruff: noqa: E501 # a row of a table is one line

import csv
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from homeroom.oneroster.tables import COLUMNS, TABLES

START = {"status": "", "dateLastModified": ""}
STAMP = "2026-08-17T06:00:00.000Z"
_BOTH: dict[str, list[dict[str, str]]] = {
    "academicSessions": [
        {"sourcedId": "year", "title": "2026-2027", "type": "schoolYear", "startDate": "2026-08-17", "endDate": "2027-06-12", "schoolYear": "2027"},
        {"sourcedId": "fall", "title": "Fall", "type": "term", "startDate": "2026-08-17", "endDate": "2027-01-16", "parentSourcedId": "year", "schoolYear": "2027"},
    ],
    "orgs": [
        {"sourcedId": "district", "name": "Riverside", "type": "district"},
        {"sourcedId": "school", "name": "Lincoln High", "type": "school", "identifier": "004", "parentSourcedId": "district"},
    ],
    "courses": [
        {"sourcedId": "math", "schoolYearSourcedId": "year", "title": "Mathematics", "courseCode": "M9", "grades": "09,10", "orgSourcedId": "school", "subjects": "Math,Art", "subjectCodes": "02,05"},
    ],
    "classes": [
        {"sourcedId": "math-1", "title": "Mathematics, 1", "grades": "09", "courseSourcedId": "math", "classType": "scheduled", "schoolSourcedId": "school", "termSourcedIds": "fall", "periods": "1,2"},
    ],
    "enrollments": [
        {"sourcedId": "e1", "classSourcedId": "math-1", "schoolSourcedId": "school", "userSourcedId": "ana", "role": "student", "beginDate": "2026-08-17", "endDate": "2027-01-16"},
        {"sourcedId": "e2", "classSourcedId": "math-1", "schoolSourcedId": "school", "userSourcedId": "tea", "role": "teacher", "primary": "true"},
    ],
    "demographics": [
        {"sourcedId": "ana", "birthDate": "2011-03-04", "sex": "female", "asian": "true", "white": "false", "cityOfBirth": "Lima"},
    ],
}  # fmt: skip
_PEOPLE: list[dict[str, str]] = [
    {"sourcedId": "ana", "enabledUser": "true", "username": "ana", "userIds": "{LDAP:ana},{state:77}", "givenName": "Ana", "familyName": 'Lo"pez, de', "identifier": "1001", "email": "ana@riverside.example", "agentSourcedIds": "mae", "grades": "09"},
    {"sourcedId": "mae", "enabledUser": "true", "username": "mae", "givenName": "Mae", "familyName": "López", "phone": "555-0100", "agentSourcedIds": "ana"},
    {"sourcedId": "tea", "enabledUser": "false", "username": "tea", "givenName": "Tea", "familyName": "Ito"},
]  # fmt: skip
_ROLES = {"ana": "student", "mae": "parent", "tea": "teacher"}
_SETS = {
    "1.1": {
        **_BOTH,
        "users": [{**user, "role": _ROLES[user["sourcedId"]], "orgSourcedIds": "school"} for user in _PEOPLE],
    },
    "1.2": {
        **_BOTH,
        "users": [{**user, "primaryOrgSourcedId": "school", "pronouns": "she/her"} for user in _PEOPLE],
        "roles": [
            {"sourcedId": f"r-{user}", "userSourcedId": user, "roleType": "primary", "role": role, "orgSourcedId": "school", "userProfileSourcedId": "p-ana" if user == "ana" else ""}
            for user, role in _ROLES.items()
        ],
        "userProfiles": [
            {"sourcedId": "p-ana", "userSourcedId": "ana", "profileType": "sis", "vendorId": "acme", "credentialType": "basic", "username": "ana.l"},
            {"sourcedId": "p-tea", "userSourcedId": "tea", "profileType": "sis", "vendorId": "acme", "credentialType": "basic", "username": "tea.i"},
        ],
    },
}  # fmt: skip
# The files that are not served, in a set of their own beside those above.
_GRADEBOOK: dict[str, dict[str, list[dict[str, str]]]] = {
    "1.1": {
        "categories": [{"sourcedId": "c1", "title": "Tests"}],
        "lineItems": [{"sourcedId": "l1", "title": "Test 1", "assignDate": "2026-09-01", "dueDate": "2026-09-08", "classSourcedId": "math-1", "categorySourcedId": "c1", "gradingPeriodSourcedId": "fall", "resultValueMin": "0", "resultValueMax": "10.5"}],
        "results": [{"sourcedId": "s1", "lineItemSourcedId": "l1", "studentSourcedId": "ana", "scoreStatus": "fully graded", "score": "9.5", "scoreDate": "2026-09-08"}],
        "resources": [{"sourcedId": "b1", "vendorResourceId": "x", "roles": "student,teacher", "importance": "primary"}],
        "classResources": [{"sourcedId": "cb1", "classSourcedId": "math-1", "resourceSourcedId": "b1"}],
        "courseResources": [{"sourcedId": "ob1", "courseSourcedId": "math", "resourceSourcedId": "b1"}],
    },
}  # fmt: skip
_GRADEBOOK["1.2"] = {
    **_GRADEBOOK["1.1"],
    "categories": [{"sourcedId": "c1", "title": "Tests", "weight": "40"}],
    "lineItems": [{"sourcedId": "l1", "title": "Test 1", "assignDate": "2026-09-01", "dueDate": "2026-09-08", "classSourcedId": "math-1", "categorySourcedId": "c1", "academicSessionSourcedId": "fall", "schoolSourcedId": "school"}],
    "results": [{"sourcedId": "s1", "lineItemSourcedId": "l1", "studentSourcedId": "ana", "scoreStatus": "ext:late", "scoreDate": "2026-09-08", "late": "true"}],
    "userResources": [{"sourcedId": "ub1", "userSourcedId": "ana", "resourceSourcedId": "b1"}],
    "scoreScales": [{"sourcedId": "k1", "title": "Letters", "type": "letter", "orgSourcedId": "school", "courseSourcedId": "math", "classSourcedId": "math-1", "scoreScaleValue": "{A:90},{B:80}"}],
    "lineItemScoreScales": [{"sourcedId": "lk1", "lineItemSourcedId": "l1", "scoreScaleSourcedId": "k1"}],
    "resultScoreScales": [{"sourcedId": "sk1", "resultSourcedId": "s1", "scoreScaleSourcedId": "k1"}],
    "lineItemLearningObjectiveIds": [{"sourcedId": "lo1", "lineItemSourcedId": "l1", "source": "case", "learningObjectiveId": "urn:uuid:0"}],
    "resultLearningObjectiveIds": [{"sourcedId": "so1", "resultSourcedId": "s1", "source": "unknown", "learningObjectiveId": "9"}],
}  # fmt: skip


@dataclass
class Sample:
    """A set as tests change it: each file a header and rows, then the text that is written of it."""

    version: str
    files: dict[str, list[list[str]]]
    modes: dict[str, str]
    texts: dict[str, bytes] = field(default_factory=dict)  # files written otherwise than their rows
    properties: dict[str, str] = field(default_factory=dict)

    def column(self, table: str, name: str) -> int:
        return self.files[table][0].index(name)

    def put(self, table: str, row: int, name: str, value: str) -> None:
        """Puts a value in a cell; rows count from the header, which is 1."""
        self.files[table][row - 1][self.column(table, name)] = value

    def add(self, table: str, **cells: str) -> None:
        """Adds a row like the last one but for these cells."""
        row = dict(zip(self.files[table][0], self.files[table][-1], strict=True)) | cells
        self.files[table].append(list(row.values()))

    def drop(self, table: str) -> None:
        """Leaves a file out, and says so in the manifest."""
        del self.files[table]
        self.modes[table] = "absent"

    def as_delta(self) -> "Sample":
        """The same rows as a delta."""
        for table, rows in self.files.items():
            self.modes[table] = "delta"
            for number in range(2, len(rows) + 1):
                self.put(table, number, "status", "active")
                self.put(table, number, "dateLastModified", STAMP)
        return self

    def manifest(self) -> list[list[str]]:
        said = {"manifest.version": "1.0", "oneroster.version": self.version}
        said |= {f"file.{table}": mode for table, mode in self.modes.items()} | self.properties
        return [["propertyName", "value"], *([name, value] for name, value in said.items())]

    def bytes(self, end: str = "\r\n") -> dict[str, bytes]:
        written = {f"{table}.csv": text_of(rows, end).encode() for table, rows in self.files.items()}
        return {"manifest.csv": text_of(self.manifest(), end).encode()} | written | self.texts

    def folder(self, path: Path, end: str = "\r\n") -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for name, content in self.bytes(end).items():
            (path / name).write_bytes(content)
        return path

    def zip(self, path: Path, prefix: str = "") -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.bytes().items():
                archive.writestr(prefix + name, content)
        return path


def text_of(rows: list[list[str]], end: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue()


def sample(version: str, *, gradebook: bool = False) -> Sample:
    """A set that keeps to the standard, bulk: three people, their school and class; with the unserved files too if asked."""
    return made_of(version, _SETS[version] | (_GRADEBOOK[version] if gradebook else {}))


def made_of(version: str, said: dict[str, list[dict[str, str]]]) -> Sample:
    """A bulk set of these rows; files without rows are left out."""
    files = {
        table: [
            list(COLUMNS[version][table]),
            *([row.get(name, "") for name in COLUMNS[version][table]] for row in rows),
        ]
        for table, rows in said.items()
        if rows
    }
    return Sample(
        version, files, {table: "bulk" if table in files else "absent" for table in TABLES[version]}
    )
