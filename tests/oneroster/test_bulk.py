"""OneRoster CSV sets: what is read, what is named, and what is no set at all."""

import zipfile
from pathlib import Path

import pytest

from homeroom.oneroster import records as r
from homeroom.oneroster.bulk import BulkError, check, open_set, write_set

SAMPLES = Path(__file__).parents[1] / "samples" / "mocker-v1p1"
HEADER = (SAMPLES / "header-templates" / "users.csv").read_text().strip()


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
    (record,) = [record for _, _, (record, _) in open_set(tmp_path).read() if record]
    assert isinstance(record, r.User)
    assert record.family_name == 'Lo"pez, de'


def test_a_torn_row_is_named_by_its_row_and_costs_no_other(tmp_path: Path) -> None:
    good = "u{0},active,,true,o1,student,u{0},,Ana,Lopez,,,,,,,09,"
    (tmp_path / "users.csv").write_text(
        "\n".join([HEADER, good.format(1), "only,three,cells", good.format(2)]) + "\n"
    )
    found = list(open_set(tmp_path).read())
    assert [record.sourced_id for _, _, (record, _) in found if record] == ["u1", "u2"]
    assert any(problem.row == 3 or number == 3 for _, number, (_, problems) in found for problem in problems)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_is_written_is_read_back(tmp_path: Path, version: str) -> None:
    org = r.Org(sourced_id="o1", name="Lincoln", type="school", identifier="004")
    user = r.User(
        sourced_id="u1",
        given_name="Ana",
        family_name="Lopez",
        username="ana",
        grades=("09",),
        agents=("g1",),
        roles=(r.Role(role="student", org="o1"),),
    )
    guardian = r.User(
        sourced_id="g1",
        given_name="Mae",
        family_name="Lopez",
        username="mae",
        roles=(r.Role(role="parent", org="o1"),),
    )
    path = tmp_path / "set.zip"
    write_set(path, version, {"orgs": iter([org]), "users": iter([user, guardian])})
    read = {record.sourced_id: record for _, _, (record, _) in open_set(path).read() if record}
    assert read["u1"].given_name == "Ana"
    assert read["u1"].agents == ("g1",)
    assert [(role.role, role.org) for role in read["u1"].roles] == [("student", "o1")]
    assert check(path).version == version
    assert "manifest.csv" in zipfile.ZipFile(path).namelist()
