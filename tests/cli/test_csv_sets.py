"""`homeroom csv check` and CSV of the SIS side as people and scripts meet them: words, JSON and exit status."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from homeroom.cli.main import app
from tests.oneroster.sets import Sample, sample
from tests.program import Program


def checked(path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["csv", "check", str(path), *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value or 0), done.stdout


@pytest.fixture
def faulty() -> Sample:
    made = sample("1.1")
    for number in range(40):
        made.add("orgs", sourcedId=f"o{number}", type="campus")
    made.put("users", 2, "givenName", "")
    made.put("users", 3, "agentSourcedIds", "")
    return made


def test_a_set_without_fault_is_well(tmp_path: Path) -> None:
    status, said = checked(sample("1.2").zip(tmp_path / "set.zip"))
    assert status == 0
    assert said.splitlines()[-1].startswith("OneRoster 1.2: ")
    assert said.splitlines()[-1].endswith("; no problems.")


def test_what_is_alike_is_said_once_with_its_number_first_rows_and_cure(
    tmp_path: Path, faulty: Sample
) -> None:
    status, said = checked(faulty.folder(tmp_path / "set"))
    assert status == 1
    lines = said.splitlines()
    assert lines[0] == "orgs.csv"
    assert "⚠ 40 × type: A cell holds a value" in lines[1]
    assert (
        lines[2]
        .strip()
        .startswith("rows 4, 5, 6, 7, 8, 9, 10, 11 and 32 more  → Write it as the standard does")
    )
    assert "✖ givenName: A cell that must be filled is empty." in said
    assert "· agentSourcedIds: A user names an agent who does not name the user back." in said
    assert lines[-1].endswith("1 error, 40 warnings, 1 note. --json lists each with its row.")
    assert len(lines) < 12


def test_json_lists_each_with_file_row_field_and_cure(tmp_path: Path, faulty: Sample) -> None:
    import json

    status, said = checked(faulty.folder(tmp_path / "set"), "--json")
    found = json.loads(said)
    assert (status, found["ok"], found["version"], found["counts"]["orgs"]) == (1, False, "1.1", 42)
    assert len(found["problems"]) == 42
    (empty,) = [problem for problem in found["problems"] if problem["severity"] == "error"]
    assert (empty["code"], empty["file"], empty["row"], empty["field"], empty["sourced_id"]) == (
        *("missing_value", "users.csv", 2, "givenName", "ana"),
    )
    assert all(problem["cure"] and problem["message"] for problem in found["problems"])


def test_nobodys_data_is_in_a_report(tmp_path: Path) -> None:
    made = sample("1.1")
    made.put("users", 2, "email", "ana@riverside.example")
    for name in ("enabledUser", "userIds", "role"):
        made.put("users", 2, name, "Secretname")
    made.put("demographics", 2, "birthDate", "Secretname")
    status, said = checked(made.folder(tmp_path / "set"), "--json")
    assert status == 1
    assert "Secretname" not in said


@pytest.mark.slow
def test_the_program_ends_without_a_traceback_whatever_it_is_given(tmp_path: Path) -> None:
    import json

    program = Program(tmp_path / "home")
    torn = sample("1.1").zip(tmp_path / "torn.zip")
    torn.write_bytes(torn.read_bytes()[:-200])
    for path, status in ((torn, 1), (tmp_path / "nowhere.zip", 2), (tmp_path, 1)):
        said = program("csv", "check", str(path), "--json")
        assert said.status == status
        assert json.loads(said.out)["ok"] is False
        assert said.err.strip()
        assert "Traceback" not in said.err + said.out


@pytest.mark.slow
def test_load_and_export_by_command(tmp_path: Path, faulty: Sample) -> None:
    program = Program(tmp_path / "home")
    loaded = program("sis", "load", str(faulty.zip(tmp_path / "in.zip")), "--json")
    assert (loaded.status, loaded.json["counts"]["users"]) == (0, 3)
    assert {"missing_value", "bad_value"} <= {problem["code"] for problem in loaded.json["problems"]}
    again = program("sis", "load", str(sample("1.2").zip(tmp_path / "in.zip")), "--replace")
    assert (again.status, again.out.splitlines()[0][:7]) == (0, "Loaded ")
    for version in ("1.1", "1.2"):
        path = tmp_path / f"out-{version}.zip"
        assert (
            program("sis", "export", str(path), "--version", version, "--json").json["counts"]["users"] == 3
        )
        assert checked(path)[0] == 0
    assert program("sis", "export", str(tmp_path / "no" / "where.zip")).status == 1
    assert program("sis", "export", str(path), "--version", "2.0").status == 2
