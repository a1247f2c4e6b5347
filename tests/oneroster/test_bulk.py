"""OneRoster CSV sets: what is read, what is named, and what is no set at all."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk.check import check
from homeroom.oneroster.bulk.files import BulkError
from homeroom.oneroster.bulk.parts import Parts
from homeroom.oneroster.bulk.sets import open_set
from homeroom.oneroster.bulk.write import write_set
from tests.oneroster.sets import sample

SAMPLES = Path(__file__).parents[1] / "samples" / "mocker-v1p1"
HEADER = (SAMPLES / "header-templates" / "users.csv").read_text().strip()


def records(path: Path) -> dict[str, r.Record]:
    """The records of a set by sourcedId, users with their roles and profiles."""
    parts, found = Parts(), {}
    for read in open_set(path).read():
        if read.part is not None:
            parts.add(read.part)
        if read.record is not None:
            found[read.record.sourced_id] = read.record
    return {key: parts.joined(one) if isinstance(one, r.User) else one for key, one in found.items()}


@pytest.fixture
def families(tmp_path: Path) -> Path:
    (tmp_path / "users.csv").write_bytes((SAMPLES / "users-2000-with-families.csv").read_bytes())
    return tmp_path


def test_the_invented_families_are_read_and_their_faults_named(families: Path) -> None:
    found = check(families)
    codes = {problem.code for problem in found.problems}
    assert found.counts == {"users": 1999}
    assert not found.ok
    assert {"dangling_reference", "missing_file"} & codes
    assert all(problem.message and problem.cure and problem.where for problem in found.problems)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("name,age\nAna,9\n", "sourcedId"),
        ("<html><body>Sign in</body></html>", "header"),
    ],
)
def test_a_file_with_no_or_wrong_headers_is_refused_with_the_reason(
    tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "users.csv").write_text(content)
    with pytest.raises(BulkError, match=says):
        check(tmp_path)


def test_an_empty_folder_a_missing_path_and_a_broken_zip_are_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "torn.zip", tmp_path / "empty"):
        with pytest.raises(BulkError):
            open_set(path)


def test_bom_header_order_and_quoting_do_not_matter(tmp_path: Path) -> None:
    columns = HEADER.split(",")[::-1]
    row = {
        "sourcedId": "u1",
        "givenName": "Ana",
        "familyName": 'Lo"pez, de',
        "role": "student",
        "orgSourcedIds": "o1",
        "enabledUser": "true",
        "username": "ana",
    }
    line = ",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in columns)
    (tmp_path / "users.csv").write_text(
        "\ufeff" + ",".join(columns) + "\r\n" + line + "\r\n", encoding="utf-8"
    )
    (record,) = records(tmp_path).values()
    assert isinstance(record, r.User)
    assert record.family_name == 'Lo"pez, de'


def test_a_torn_row_is_named_by_its_row_and_costs_no_other(tmp_path: Path) -> None:
    good = "u{0},active,,true,o1,student,u{0},,Ana,Lopez,,,,,,,09,"
    (tmp_path / "users.csv").write_text(
        "\n".join([HEADER, good.format(1), "only,three,cells", good.format(2)]) + "\n"
    )
    problems = [problem for read in open_set(tmp_path).read() for problem in read.problems]
    assert list(records(tmp_path)) == ["u1", "u2"]
    assert ("row_width", 3) in {(problem.code, problem.row) for problem in problems}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_is_written_is_read_back(tmp_path: Path, version: str) -> None:
    roles = (r.Role(role="student", org="o1", sourced_id="u1.1"),)
    told: dict[str, list[r.Record]] = {
        "orgs": [r.Org(sourced_id="o1", name="Lincoln", type="school", identifier="004")],
        "users": [
            r.User(sourced_id="u1", given_name="Ana", family_name="Lopez", username="ana", agents=("g1",), roles=roles),
            r.User(sourced_id="g1", given_name="Mae", family_name="Lopez", username="mae", agents=("u1",),
                   roles=(r.Role(role="parent", org="o1", sourced_id="g1.1"),)),
        ],
    }  # fmt: skip
    path = tmp_path / "set.zip"
    write_set(path, version, lambda kind: told.get(kind, []))
    expected = {record.sourced_id: record for kind in told.values() for record in kind}
    if version == "1.1":  # which gives roles no ids of their own
        expected = {
            key: replace(one, roles=tuple(replace(role, sourced_id="") for role in one.roles)) if isinstance(one, r.User) else one
            for key, one in expected.items()
        }  # fmt: skip
    assert records(path) == expected
    assert (check(path).version, check(path).ok) == (version, True)


def test_what_is_written_where_it_was_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(b"the one before")

    def told(kind: str) -> list[r.Record]:
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError):
        write_set(path, "1.1", told)
    assert path.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_words_are_understood_however_they_are_written(tmp_path: Path) -> None:
    made = sample("1.1")
    for table, row, name, value in (("orgs", 3, "type", "School"), ("users", 4, "role", "TEACHER"), ("users", 2, "enabledUser", "FALSE"),
                                    ("enrollments", 3, "primary", "Yes"), ("demographics", 2, "asian", "1")):  # fmt: skip
        made.put(table, row, name, value)
    found = records(made.folder(tmp_path / "set"))
    school, teacher, ana = found["school"], found["tea"], found["ana"]
    assert isinstance(school, r.Org)
    assert school.type == "school"
    assert isinstance(teacher, r.User)
    assert [role.role for role in teacher.roles] == ["teacher"]
    assert isinstance(found["e2"], r.Enrollment)
    assert found["e2"].primary is True
    assert isinstance(ana, r.Demographics)
    assert ana.flags["asian"] is True


def test_subjects_and_their_codes_stay_in_pairs(tmp_path: Path) -> None:
    made = sample("1.1")
    made.put("courses", 2, "subjects", "Art,Music,Band")
    made.put("courses", 2, "subjectCodes", "05,05,05")
    course = records(made.folder(tmp_path / "set"))["math"]
    assert isinstance(course, r.Course)
    assert list(zip(course.subjects, course.subject_codes, strict=True)) == [("Art", "05"), ("Music", "05"), ("Band", "05")]  # fmt: skip


def test_columns_of_1_0_are_read_as_what_they_became(tmp_path: Path) -> None:
    made = sample("1.1")
    made.files["users"][0][made.column("users", "agentSourcedIds")] = "agents"
    made.files["demographics"][0][0] = "userSourcedId"
    folder = made.folder(tmp_path / "set")
    (folder / "manifest.csv").unlink()
    found = records(folder)
    assert isinstance(found["mae"], r.User)
    assert found["mae"].agents == ("ana",)
    assert isinstance(found["ana"], r.Demographics)
