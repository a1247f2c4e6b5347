"""`homeroom csv check`: each breach of the standard on its own, in sets that are else without fault; and what is no breach."""
# ruff: noqa: E501 # a case of the table is one line

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from homeroom.oneroster.bulk.check import check
from homeroom.oneroster.bulk.files import BulkError
from homeroom.problems import KINDS, NOTE
from tests.oneroster.sets import STAMP, Sample, sample, text_of

Place = tuple[str, str, int | None, str | None]  # code, file, row, field
Change = Callable[[Sample], object]


def breaches(made: Sample, tmp_path: Path) -> set[Place]:
    report = check(made.folder(tmp_path / "set"))
    return {(p.code, p.where, p.row, p.field) for p in report.problems if p.severity != NOTE}


def put(table: str, row: int, name: str, value: str) -> Change:
    return lambda made: made.put(table, row, name, value)


def header(table: str, change: Callable[[list[str]], object]) -> Change:
    """Changes the header, and leaves rows of the same width."""

    def changed(made: Sample) -> None:
        before = list(made.files[table][0])
        change(made.files[table][0])
        for row in made.files[table][1:]:
            cells = dict(zip(before, row, strict=True))
            row[:] = [cells.get(name, "") for name in made.files[table][0]]

    return changed


def raw(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Changes the bytes of a file."""
    return lambda made: made.texts.update({name: change(made.bytes()[name])})


def swapped(names: list[str]) -> None:
    names[3], names[4] = names[4], names[3]


BOTH = ("1.1", "1.2")
CASES: list[tuple[str, tuple[str, ...], Change, Place]] = [
    # headers
    ("columns in another order", BOTH, header("orgs", swapped), ("header_order", "orgs.csv", 1, "type")),
    ("a column is missing", BOTH, header("orgs", lambda h: h.remove("identifier")), ("header_missing", "orgs.csv", 1, "identifier")),
    ("a column that nobody knows", BOTH, header("orgs", lambda h: h.append("motto")), ("header_unknown", "orgs.csv", 1, "motto")),
    ("a column with another case", BOTH, header("orgs", lambda h: h.__setitem__(3, "Name")), ("header_name", "orgs.csv", 1, "Name")),
    ("a column with a blank", BOTH, header("orgs", lambda h: h.__setitem__(3, " name")), ("header_name", "orgs.csv", 1, "name")),
    ("a column twice", BOTH, header("orgs", lambda h: h.append("name")), ("header_twice", "orgs.csv", 1, "name")),
    ("a column without a name", BOTH, header("orgs", lambda h: h.append("")), ("header_unknown", "orgs.csv", 1, "column 8")),
    ("metadata before the standard's", BOTH, header("orgs", lambda h: h.insert(3, "metadata.motto")), ("metadata_place", "orgs.csv", 1, "metadata.motto")),
    ("metadata without a name", BOTH, header("orgs", lambda h: h.append("metadata.")), ("header_unknown", "orgs.csv", 1, "metadata.")),
    ("a users header of the other version", ("1.2",), header("users", lambda h: h.insert(4, "role")), ("header_unknown", "users.csv", 1, "role")),
    # cells
    ("a required cell is empty", BOTH, put("orgs", 3, "name", ""), ("missing_value", "orgs.csv", 3, "name")),
    ("a required cell is blank", BOTH, put("orgs", 3, "name", "  "), ("missing_value", "orgs.csv", 3, "name")),
    ("no sourcedId", BOTH, put("enrollments", 3, "sourcedId", ""), ("missing_id", "enrollments.csv", 3, "sourcedId")),
    ("a character no id may have", BOTH, put("enrollments", 3, "sourcedId", "e#2"), ("bad_id", "enrollments.csv", 3, "sourcedId")),
    ("a blank in an id", BOTH, put("enrollments", 3, "sourcedId", " e2"), ("bad_id", "enrollments.csv", 3, "sourcedId")),
    ("an id of 256 characters", BOTH, put("enrollments", 3, "sourcedId", "e" * 256), ("bad_id", "enrollments.csv", 3, "sourcedId")),
    ("a reference no id can be", BOTH, put("users", 2, "agentSourcedIds", "mae;x"), ("bad_id", "users.csv", 2, "agentSourcedIds")),
    ("an empty item in a list of ids", BOTH, put("users", 2, "agentSourcedIds", "mae,"), ("bad_value", "users.csv", 2, "agentSourcedIds")),
    ("an empty item in a list", BOTH, put("classes", 2, "periods", "1,,2"), ("bad_value", "classes.csv", 2, "periods")),
    ("no such org type", BOTH, put("orgs", 2, "type", "campus"), ("bad_value", "orgs.csv", 2, "type")),
    ("an org type with a capital", BOTH, put("orgs", 2, "type", "District"), ("bad_value", "orgs.csv", 2, "type")),
    ("an extended org type in 1.1", ("1.1",), put("orgs", 2, "type", "ext:region"), ("bad_value", "orgs.csv", 2, "type")),
    ("an extension of nothing", ("1.2",), put("orgs", 2, "type", "ext:"), ("bad_value", "orgs.csv", 2, "type")),
    ("an extension with a blank", ("1.2",), put("orgs", 2, "type", "ext:our region"), ("bad_value", "orgs.csv", 2, "type")),
    ("an extended session type in 1.1", ("1.1",), put("academicSessions", 3, "type", "ext:x"), ("bad_value", "academicSessions.csv", 3, "type")),
    ("an extended class type in 1.1", ("1.1",), put("classes", 2, "classType", "ext:club"), ("bad_value", "classes.csv", 2, "classType")),
    ("no such session type", BOTH, put("academicSessions", 3, "type", "quarter"), ("bad_value", "academicSessions.csv", 3, "type")),
    ("no such class type", BOTH, put("classes", 2, "classType", "Scheduled"), ("bad_value", "classes.csv", 2, "classType")),
    ("a role of 1.2 in 1.1", ("1.1",), put("users", 4, "role", "principal"), ("bad_value", "users.csv", 4, "role")),
    ("an extended role in 1.1", ("1.1",), put("users", 4, "role", "ext:coach"), ("bad_value", "users.csv", 4, "role")),
    ("a role of 1.1 in 1.2", ("1.2",), put("roles", 4, "role", "administrator"), ("bad_value", "roles.csv", 4, "role")),
    ("a role type of one's own", ("1.2",), put("roles", 4, "roleType", "ext:first"), ("bad_value", "roles.csv", 4, "roleType")),
    ("no such enrollment role", BOTH, put("enrollments", 2, "role", "parent"), ("bad_value", "enrollments.csv", 2, "role")),
    ("a sex of 1.2 in 1.1", ("1.1",), put("demographics", 2, "sex", "other"), ("bad_value", "demographics.csv", 2, "sex")),
    ("no such sex", ("1.2",), put("demographics", 2, "sex", "F"), ("bad_value", "demographics.csv", 2, "sex")),
    ("TRUE", BOTH, put("users", 2, "enabledUser", "TRUE"), ("bad_value", "users.csv", 2, "enabledUser")),
    ("ext: for a truth", ("1.2",), put("users", 2, "enabledUser", "ext:yes"), ("bad_value", "users.csv", 2, "enabledUser")),
    ("1 for true", BOTH, put("demographics", 2, "asian", "1"), ("bad_value", "demographics.csv", 2, "asian")),
    ("yes for primary", BOTH, put("enrollments", 3, "primary", "yes"), ("bad_value", "enrollments.csv", 3, "primary")),
    ("an American date", BOTH, put("demographics", 2, "birthDate", "03/04/2011"), ("bad_value", "demographics.csv", 2, "birthDate")),
    ("a day that is none", BOTH, put("enrollments", 2, "beginDate", "2026-02-30"), ("bad_value", "enrollments.csv", 2, "beginDate")),
    ("a time for a date", BOTH, put("academicSessions", 2, "endDate", "2027-06-12T00:00:00Z"), ("bad_value", "academicSessions.csv", 2, "endDate")),
    ("a year of two digits", BOTH, put("academicSessions", 2, "schoolYear", "27"), ("bad_value", "academicSessions.csv", 2, "schoolYear")),
    ("a year that is a span", BOTH, put("academicSessions", 2, "schoolYear", "2026-2027"), ("bad_value", "academicSessions.csv", 2, "schoolYear")),
    ("ids without a type", BOTH, put("users", 2, "userIds", "77"), ("user_id_form", "users.csv", 2, "userIds")),
    ("one id of two without a type", BOTH, put("users", 2, "userIds", "{LDAP:ana},77"), ("user_id_form", "users.csv", 2, "userIds")),
    ("an id with an empty type", BOTH, put("users", 2, "userIds", "{:77}"), ("user_id_form", "users.csv", 2, "userIds")),
    ("fewer codes than subjects", BOTH, put("courses", 2, "subjectCodes", "02"), ("subject_codes", "courses.csv", 2, "subjectCodes")),
    ("codes without subjects", BOTH, put("classes", 2, "subjectCodes", "02"), ("subject_codes", "classes.csv", 2, "subjectCodes")),
    # status and dates, by mode
    ("a status in bulk", BOTH, put("users", 2, "status", "active"), ("bulk_dates", "users.csv", 2, "status")),
    ("a date in bulk", BOTH, put("users", 2, "dateLastModified", STAMP), ("bulk_dates", "users.csv", 2, "dateLastModified")),
    # between rows
    ("a sourcedId twice", BOTH, lambda s: s.add("orgs", name="Another"), ("duplicate_id", "orgs.csv", 4, "sourcedId")),
    ("an unknown parent", BOTH, put("orgs", 3, "parentSourcedId", "state"), ("dangling_reference", "orgs.csv", 3, "parentSourcedId")),
    ("an unknown parent session", BOTH, put("academicSessions", 3, "parentSourcedId", "x"), ("dangling_reference", "academicSessions.csv", 3, "parentSourcedId")),
    ("an unknown org of a course", BOTH, put("courses", 2, "orgSourcedId", "x"), ("dangling_reference", "courses.csv", 2, "orgSourcedId")),
    ("an unknown year of a course", BOTH, put("courses", 2, "schoolYearSourcedId", "x"), ("dangling_reference", "courses.csv", 2, "schoolYearSourcedId")),
    ("an unknown course", BOTH, put("classes", 2, "courseSourcedId", "x"), ("dangling_reference", "classes.csv", 2, "courseSourcedId")),
    ("an unknown term among others", BOTH, put("classes", 2, "termSourcedIds", "fall,x"), ("dangling_reference", "classes.csv", 2, "termSourcedIds")),
    ("an unknown class", BOTH, put("enrollments", 2, "classSourcedId", "x"), ("dangling_reference", "enrollments.csv", 2, "classSourcedId")),
    ("an unknown school of an enrollment", BOTH, put("enrollments", 2, "schoolSourcedId", "x"), ("dangling_reference", "enrollments.csv", 2, "schoolSourcedId")),
    ("an unknown user", BOTH, put("enrollments", 2, "userSourcedId", "x"), ("dangling_reference", "enrollments.csv", 2, "userSourcedId")),
    ("demographics of nobody", BOTH, put("demographics", 2, "sourcedId", "x"), ("dangling_reference", "demographics.csv", 2, "sourcedId")),
    ("an unknown agent", BOTH, put("users", 4, "agentSourcedIds", "x"), ("dangling_reference", "users.csv", 4, "agentSourcedIds")),
    ("an unknown org of a user", ("1.1",), put("users", 4, "orgSourcedIds", "school,x"), ("dangling_reference", "users.csv", 4, "orgSourcedIds")),
    ("a role of nobody", ("1.2",), lambda s: s.add("roles", sourcedId="r", userSourcedId="x"), ("dangling_reference", "roles.csv", 5, "userSourcedId")),
    ("a role nowhere", ("1.2",), lambda s: s.add("roles", sourcedId="r", orgSourcedId="x"), ("dangling_reference", "roles.csv", 5, "orgSourcedId")),
    ("an unknown profile", ("1.2",), put("roles", 2, "userProfileSourcedId", "x"), ("dangling_reference", "roles.csv", 2, "userProfileSourcedId")),
    ("a class of a district", BOTH, put("classes", 2, "schoolSourcedId", "district"), ("wrong_type", "classes.csv", 2, "schoolSourcedId")),
    ("an enrollment at a district", BOTH, put("enrollments", 2, "schoolSourcedId", "district"), ("wrong_type", "enrollments.csv", 2, "schoolSourcedId")),
    ("a course in a term", BOTH, put("courses", 2, "schoolYearSourcedId", "fall"), ("wrong_type", "courses.csv", 2, "schoolYearSourcedId")),
    ("two primary roles at a school", ("1.2",), lambda s: s.add("roles", sourcedId="r", role="proctor"), ("two_primaries", "roles.csv", 5, "roleType")),
    ("a primary org without a role there", ("1.2",), put("users", 4, "primaryOrgSourcedId", "district"), ("primary_org", "users.csv", 4, "primaryOrgSourcedId")),
    ("somebody else's profile", ("1.2",), put("roles", 2, "userProfileSourcedId", "p-tea"), ("profile_owner", "roles.csv", 2, "userProfileSourcedId")),
    # files and manifest
    ("a file named but not there", BOTH, lambda s: s.files.pop("demographics"), ("manifest_file", "demographics.csv", None, "file.demographics")),
    ("a file called absent", BOTH, lambda s: s.modes.update(demographics="absent"), ("manifest_file", "demographics.csv", None, "file.demographics")),
    ("a file of the other version", ("1.1",), lambda s: s.texts.update({"roles.csv": b"sourcedId\n"}), ("manifest_file", "roles.csv", None, None)),
    ("a file others stand on", BOTH, lambda s: s.drop("courses"), ("missing_file", "courses.csv", None, None)),
    ("users of 1.2 without roles", ("1.2",), lambda s: s.drop("roles"), ("missing_file", "roles.csv", None, None)),
    ("a file that is none of the set", BOTH, lambda s: s.texts.update({"notes.txt": b"x"}), ("extra_file", "notes.txt", None, None)),
    ("a CSV file nobody knows", BOTH, lambda s: s.texts.update({"buses.csv": b"x"}), ("extra_file", "buses.csv", None, None)),
    ("no manifest", BOTH, lambda s: s.texts.update({"manifest.csv": b""}), ("manifest_property", "manifest.csv", 1, None)),
    ("a mode that is none", BOTH, lambda s: s.modes.update(orgs="full"), ("manifest_property", "manifest.csv", None, "file.orgs")),
    ("a mode with a capital", BOTH, lambda s: s.modes.update(orgs="Bulk"), ("manifest_property", "manifest.csv", None, "file.orgs")),
    ("a file the manifest leaves out", BOTH, lambda s: s.modes.pop("orgs"), ("manifest_property", "manifest.csv", None, "file.orgs")),
    ("an absent file left out", BOTH, lambda s: s.modes.pop("results"), ("manifest_property", "manifest.csv", None, "file.results")),
    ("a property nobody knows", BOTH, lambda s: s.properties.update({"source.mood": "x"}), ("manifest_property", "manifest.csv", None, "source.mood")),
    ("no manifest version", BOTH, lambda s: s.properties.update({"manifest.version": "2.0"}), ("manifest_property", "manifest.csv", None, "manifest.version")),
    ("a version that is none", BOTH, lambda s: s.properties.update({"oneroster.version": s.version + ".9"}), ("manifest_property", "manifest.csv", None, "oneroster.version")),
    ("a manifest with another header", BOTH, raw("manifest.csv", lambda b: b.replace(b"propertyName", b"property")), ("manifest_property", "manifest.csv", 1, None)),
    ("a property twice", BOTH, raw("manifest.csv", lambda b: b + b"file.orgs,bulk\r\n"), ("manifest_property", "manifest.csv", None, "file.orgs")),
    ("a header without rows", BOTH, lambda s: s.files["demographics"].pop(), ("no_rows", "demographics.csv", None, None)),
    ("a header that is none", BOTH, lambda s: s.texts.update({"demographics.csv": b"a,b\n1,2\n"}), ("no_header", "demographics.csv", 1, None)),
    ("an empty file", BOTH, lambda s: s.texts.update({"demographics.csv": b""}), ("no_header", "demographics.csv", 1, None)),
    # how rows are written
    ("too few cells", BOTH, lambda s: s.files["enrollments"][2].pop(), ("row_width", "enrollments.csv", 3, None)),
    ("too many cells", BOTH, lambda s: s.files["enrollments"][2].append(""), ("row_width", "enrollments.csv", 3, None)),
    ("an empty row", BOTH, lambda s: s.files["enrollments"].insert(2, [""]), ("empty_row", "enrollments.csv", 3, None)),
    ("a row of commas", BOTH, lambda s: s.files["enrollments"].insert(2, [""] * 10), ("empty_row", "enrollments.csv", 3, None)),
    ("a line break in a cell", BOTH, put("orgs", 3, "name", "Lincoln\nHigh"), ("line_break", "orgs.csv", 3, None)),
    ("a quote inside a plain cell", BOTH, raw("orgs.csv", lambda b: b.replace(b"Lincoln", b'Lin"coln')), ("bad_quoting", "orgs.csv", 3, None)),
    ("text after a closing quote", BOTH, raw("orgs.csv", lambda b: b.replace(b"Lincoln High", b'"Lincoln" High')), ("bad_quoting", "orgs.csv", 3, None)),
    ("a quote never closed", BOTH, raw("orgs.csv", lambda b: b.replace(b"Riverside", b'"Riverside')), ("bad_quoting", "orgs.csv", 2, None)),
    ("lone carriage returns", BOTH, raw("orgs.csv", lambda b: b.replace(b"\r\n", b"\r")), ("line_end", "orgs.csv", 2, None)),
    ("Latin text", BOTH, raw("users.csv", lambda b: b.decode().encode("latin-1")), ("not_utf8", "users.csv", 3, "familyName")),
    ("a NUL", BOTH, put("orgs", 3, "name", "Lin\0coln"), ("nul", "orgs.csv", 3, "name")),
]  # fmt: skip
EACH = [
    pytest.param(version, *case, id=f"{version} {name}")
    for name, versions, *case in CASES
    for version in versions
]


@pytest.mark.parametrize(("version", "change", "place"), EACH)
def test_a_breach_is_named_with_its_place(tmp_path: Path, version: str, change: Change, place: Place) -> None:
    made = sample(version)
    change(made)
    found = breaches(made, tmp_path)
    code, file, row, field = place
    if file == "manifest.csv" and row is None:  # where in the manifest it stands is no part of the case
        found = {(c, f, None, name) for c, f, _, name in found}
    assert (code, file, row, field) in found, found
    assert code in KINDS


SINGLE = ("dangling_reference", "bad_value", "missing_value", "wrong_type", "two_primaries", "primary_org", "profile_owner", "bulk_dates", "subject_codes", "user_id_form", "bad_id", "nul", "not_utf8")  # fmt: skip


@pytest.mark.parametrize(
    ("version", "change", "place"), [each for each in EACH if each.values[2][0] in SINGLE]
)
def test_a_breach_of_one_cell_is_the_only_one(
    tmp_path: Path, version: str, change: Change, place: Place
) -> None:
    made = sample(version)
    change(made)
    others = {code for code, *_ in breaches(made, tmp_path)} - {place[0]}
    # Whoever writes an id wrongly also names or leaves out somebody; nothing else follows from anything.
    assert others <= {"dangling_reference", "row_width"}


DELTA: list[tuple[str, Change, Place]] = [
    ("no status", put("users", 2, "status", ""), ("delta_dates", "users.csv", 2, "status")),
    ("no date", put("users", 2, "dateLastModified", ""), ("delta_dates", "users.csv", 2, "dateLastModified")),
    ("no such status", put("users", 2, "status", "inactive"), ("bad_value", "users.csv", 2, "status")),
    ("a status of one's own", put("users", 2, "status", "ext:gone"), ("bad_value", "users.csv", 2, "status")),
    ("a date for a time", put("users", 2, "dateLastModified", "2026-08-17"), ("bad_value", "users.csv", 2, "dateLastModified")),
    ("a time without milliseconds", put("users", 2, "dateLastModified", "2026-08-17T06:00:00Z"), ("bad_value", "users.csv", 2, "dateLastModified")),
    ("a time of another zone", put("users", 2, "dateLastModified", "2026-08-17T06:00:00.000+02:00"), ("bad_value", "users.csv", 2, "dateLastModified")),
    ("an hour that is none", put("users", 2, "dateLastModified", "2026-08-17T25:00:00.000Z"), ("bad_value", "users.csv", 2, "dateLastModified")),
    ("a sourcedId twice", lambda s: s.add("orgs"), ("duplicate_id", "orgs.csv", 4, "sourcedId")),
    ("a class of a district", put("classes", 2, "schoolSourcedId", "district"), ("wrong_type", "classes.csv", 2, "schoolSourcedId")),
]  # fmt: skip


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("change", "place"), [pytest.param(*rest, id=name) for name, *rest in DELTA])
def test_a_breach_of_a_delta_is_named(tmp_path: Path, version: str, change: Change, place: Place) -> None:
    made = sample(version).as_delta()
    change(made)
    assert breaches(made, tmp_path) == {place}


def ext_words(made: Sample) -> None:
    made.put("orgs", 3, "type", "ext:campus-1")
    made.put("academicSessions", 2, "type", "ext:year_2")
    made.put("classes", 2, "classType", "ext:club")
    made.put("roles", 4, "role", "ext:coach")
    made.put("enrollments", 3, "role", "ext:co.teacher")
    made.put("demographics", 2, "sex", "ext:x")


def with_metadata(made: Sample) -> None:
    for table in made.files:
        made.files[table][0] += ["metadata.bus", "metadata.jp.kana"]
        for row in made.files[table][1:]:
            row += ["7", ""]


def class_outside_the_year(made: Sample) -> None:
    made.add(
        "academicSessions",
        sourcedId="later",
        title="Later",
        startDate="2030-01-01",
        endDate="2030-02-01",
        parentSourcedId="",
        schoolYear="2030",
    )
    made.put("classes", 2, "termSourcedIds", "later")


VALID: list[tuple[str, tuple[str, ...], Change]] = [
    ("as it is", BOTH, lambda s: None),
    ("a class term outside the course's year", BOTH, class_outside_the_year),
    ("an enrollment role that is not the user's", BOTH, put("enrollments", 2, "role", "teacher")),
    ("metadata columns last", BOTH, with_metadata),
    ("words of one's own where 1.2 allows them", ("1.2",), ext_words),
    ("a byte order mark in every file", BOTH, lambda s: s.texts.update({n: b"\xef\xbb\xbf" + b for n, b in s.bytes().items()})),
    ("every cell quoted", BOTH, lambda s: s.texts.update({f"{t}.csv": "".join(",".join('"' + c.replace('"', '""') + '"' for c in row) + "\r\n" for row in rows).encode() for t, rows in s.files.items()})),
    ("lines that end in LF", BOTH, lambda s: s.texts.update({n: b.replace(b"\r\n", b"\n") for n, b in s.bytes().items()})),
    ("no end of the last line", BOTH, lambda s: s.texts.update({n: b.rstrip() for n, b in s.bytes().items()})),
    ("a delta", BOTH, lambda s: s.as_delta()),
    ("a source", BOTH, lambda s: s.properties.update({"source.systemName": "Acme SIS", "source.systemCode": ""})),
    ("the version as 1.2.1", ("1.2",), lambda s: s.properties.update({"oneroster.version": "1.2.1"})),
    ("an id of 255 characters", BOTH, lambda s: s.add("orgs", sourcedId="o" * 250 + "-._/@")),
    ("optional cells empty", BOTH, lambda s: [s.put("users", 2, n, "") for n in ("userIds", "email", "grades")]),
    ("no demographics", BOTH, lambda s: s.drop("demographics")),
    ("only orgs", BOTH, lambda s: [s.drop(t) for t in list(s.files) if t != "orgs"]),
    ("only sessions", BOTH, lambda s: [s.drop(t) for t in list(s.files) if t != "academicSessions"]),
    ("only a manifest", BOTH, lambda s: [s.drop(t) for t in list(s.files)]),
    ("a secondary role beside the primary one", ("1.2",), lambda s: s.add("roles", sourcedId="r", roleType="secondary", role="proctor")),
    ("a person at two schools", ("1.2",), lambda s: s.add("roles", sourcedId="r", orgSourcedId="district")),
    ("the users header before 1.2.1", ("1.2",), header("users", lambda h: h.insert(h.index("preferredGivenName"), "resourceSourcedIds"))),
    ("a password, which is never read", BOTH, put("users", 2, "password", "hush")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "change"),
    [pytest.param(v, change, id=f"{v} {name}") for name, versions, change in VALID for v in versions],
)
def test_what_keeps_to_the_standard_is_not_complained_of(
    tmp_path: Path, version: str, change: Change
) -> None:
    made = sample(version)
    change(made)
    assert breaches(made, tmp_path) == set()
    assert check(made.zip(tmp_path / "set.zip")).ok


@pytest.mark.parametrize("version", BOTH)
def test_every_file_of_a_version_is_known(tmp_path: Path, version: str) -> None:
    made = sample(version, gradebook=True)
    report = check(made.folder(tmp_path / "set"))
    assert report.ok, report.problems
    assert report.counts == {table: len(rows) - 1 for table, rows in made.files.items()}
    assert len(made.files) == (13 if version == "1.1" else 21)


UNSERVED: list[tuple[tuple[str, ...], Change, Place]] = [
    (BOTH, put("lineItems", 2, "dueDate", "soon"), ("bad_value", "lineItems.csv", 2, "dueDate")),
    (BOTH, put("lineItems", 2, "categorySourcedId", "x"), ("dangling_reference", "lineItems.csv", 2, "categorySourcedId")),
    (BOTH, put("lineItems", 2, "resultValueMax", "ten"), ("bad_value", "lineItems.csv", 2, "resultValueMax")),
    (BOTH, put("results", 2, "scoreStatus", "graded"), ("bad_value", "results.csv", 2, "scoreStatus")),
    (BOTH, put("results", 2, "studentSourcedId", "x"), ("dangling_reference", "results.csv", 2, "studentSourcedId")),
    (("1.1",), put("results", 2, "score", ""), ("missing_value", "results.csv", 2, "score")),
    (("1.1",), put("results", 2, "scoreStatus", "ext:late"), ("bad_value", "results.csv", 2, "scoreStatus")),
    (BOTH, put("resources", 2, "roles", "student,boss"), ("bad_value", "resources.csv", 2, "roles")),
    (BOTH, put("resources", 2, "importance", "ext:some"), ("bad_value", "resources.csv", 2, "importance")),
    (BOTH, put("classResources", 2, "resourceSourcedId", "x"), ("dangling_reference", "classResources.csv", 2, "resourceSourcedId")),
    (("1.2",), put("categories", 2, "weight", "4.5"), ("bad_value", "categories.csv", 2, "weight")),
    (("1.2",), put("lineItems", 2, "schoolSourcedId", "district"), ("wrong_type", "lineItems.csv", 2, "schoolSourcedId")),
    (("1.2",), put("scoreScales", 2, "scoreScaleValue", "A:90"), ("bad_value", "scoreScales.csv", 2, "scoreScaleValue")),
    (("1.2",), put("resultLearningObjectiveIds", 2, "source", "mine"), ("bad_value", "resultLearningObjectiveIds.csv", 2, "source")),
    (("1.2",), put("results", 2, "missing", "no"), ("bad_value", "results.csv", 2, "missing")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "change", "place"), [(v, c, p) for versions, c, p in UNSERVED for v in versions]
)
def test_files_that_are_not_served_are_checked_too(
    tmp_path: Path, version: str, change: Change, place: Place
) -> None:
    made = sample(version, gradebook=True)
    change(made)
    assert breaches(made, tmp_path) == {place}


def codes(path: Path) -> set[str]:
    return {problem.code for problem in check(path).problems}


def test_notes_tell_and_do_not_fail(tmp_path: Path) -> None:
    made = sample("1.2")
    made.put("users", 3, "agentSourcedIds", "")
    made.put("users", 3, "password", "hush")
    made.put("roles", 4, "roleType", "secondary")
    made.files["roles"].pop(2)
    made.put("users", 3, "primaryOrgSourcedId", "")
    report = check(made.folder(tmp_path / "set"))
    assert {p.code for p in report.problems} == {
        "one_way_agent",
        "password",
        "no_primary",
        "user_without_role",
    }
    assert report.ok


def test_a_delta_may_name_what_is_known_already(tmp_path: Path) -> None:
    made = sample("1.1").as_delta()
    for table in [table for table in made.files if table != "enrollments"]:
        made.drop(table)
    report = check(made.folder(tmp_path / "set"))
    assert (report.ok, {p.code for p in report.problems}) == (True, {"not_in_set"})


def test_a_set_of_1_0_has_no_manifest_and_is_read(tmp_path: Path) -> None:
    folder = sample("1.1").folder(tmp_path / "set")
    (folder / "manifest.csv").unlink()
    report = check(folder)
    assert (report.version, {p.code for p in report.problems}) == ("1.1", {"missing_manifest"})
    assert not report.ok


def test_files_in_a_folder_of_the_zip_are_read_and_named(tmp_path: Path) -> None:
    for prefix in ("export/", "..\\..\\windows\\", "/etc/", "../../"):
        report = check(sample("1.1").zip(tmp_path / "set.zip", prefix))
        assert {p.code for p in report.problems} == {"in_folder"}
        assert report.counts["users"] == 3
    inside = sample("1.1").folder(tmp_path / "outer" / "inner").parent
    assert codes(inside) == {"in_folder"}


def test_what_a_mac_adds_to_a_zip_is_no_users_file(tmp_path: Path) -> None:
    path = sample("1.1").zip(tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._users.csv", b"\0\5")
        archive.writestr("old/users.csv", b"sourcedId\nx\n")
    report = check(path)
    assert {p.code for p in report.problems} == {"extra_file", "file_twice"}
    assert report.counts["users"] == 3


def test_a_quote_never_closed_costs_its_own_row_alone(tmp_path: Path) -> None:
    made = sample("1.1")
    for number in range(60):
        made.add("orgs", sourcedId=f"o{number}")
    made.texts["orgs.csv"] = text_of(made.files["orgs"]).replace("o7,,,", 'o7,"x,,').encode()
    report = check(made.folder(tmp_path / "set"))
    assert {(p.code, p.row) for p in report.problems} == {("bad_quoting", 11), ("row_width", 11)}
    assert report.counts["orgs"] == 62


def refused(path: Path) -> str:
    with pytest.raises(BulkError) as wrong:
        check(path)
    return str(wrong.value)


def zip_of(path: Path, content: bytes, name: str = "users.csv") -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path.read_bytes()


def test_zips_that_are_broken_locked_or_bombs_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    whole = sample("1.1").zip(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut off" in refused(path)
    path.write_bytes(b"these are not the bytes of a zip")
    assert "not a zip" in refused(path)
    users = sample("1.1").bytes()["users.csv"]
    middle = bytearray(zip_of(path, users * 50))
    middle[len(middle) // 3] ^= 0xFF
    path.write_bytes(bytes(middle))
    assert "damaged" in refused(path)
    locked = bytearray(zip_of(path, users))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1
    path.write_bytes(bytes(locked))
    assert "password" in refused(path)
    zip_of(path, b"sourcedId," + b"a" * 50_000_000)
    assert "unpack to more than" in refused(path)


def test_files_that_are_no_text_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    users = sample("1.1").bytes()["users.csv"]
    path.write_bytes(users.decode().encode("utf-16"))
    assert "UTF-16" in refused(path)
    path.write_bytes(users + b"x" * 2_000_000)
    assert "more than 1,000,000 characters" in refused(path)
    path.write_bytes(b"\0" * 5000)
    assert "header" in refused(path)


def test_any_bytes_at_all_give_a_report_or_a_reason(tmp_path: Path) -> None:
    from hypothesis import given
    from hypothesis import strategies as st

    users = sample("1.1").bytes()["users.csv"]
    path = tmp_path / "users.csv"

    @given(
        st.lists(st.tuples(st.integers(0, len(users)), st.sampled_from([b'"', b"\n", b"\r", b",", b"\0", b"\xff", b"", b'""'])), max_size=8)
    )  # fmt: skip
    def reads(cuts: list[tuple[int, bytes]]) -> None:
        content = io.BytesIO(users)
        torn = bytearray(content.getvalue())
        for place, byte in cuts:
            torn[place : place + 2] = byte
        path.write_bytes(bytes(torn))
        try:
            check(path)
        except BulkError as wrong:
            assert str(wrong)

    reads()
