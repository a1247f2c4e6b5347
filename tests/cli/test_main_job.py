"""The main job by the commands alone, on the invented families that nobody here made, as a script would run it."""

from pathlib import Path

import pytest

from tests.ports import free_port
from tests.program import Program

SAMPLES = Path(__file__).parents[1] / "samples" / "mocker-v1p1"
pytestmark = pytest.mark.slow


def test_families_from_a_csv_folder_to_a_mail_and_back(tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "users.csv").write_bytes((SAMPLES / "users-2000-with-families.csv").read_bytes())
    loaded = program("sis", "load", str(folder), "--json")
    assert loaded.status == 0
    assert loaded.json["counts"]["users"] == 1999
    assert {problem["code"] for problem in loaded.json["problems"]} >= {"missing_org", "one_way_agent"}
    program("sis", "user", "add", "Minga")
    key = program("sis", "key", "new", "Minga", "--json").json
    program("school", "add", "Invented High")
    with program.serving("sis", "serve", port=free_port()) as address:
        url = f"{address}/ims/oneroster/v1p1"
        tested = program(
            "connect", "Invented High", "--url", url, "--key", key["key"], "--school-id", "slksldkmlsk49303", "--json",
            "--secret-file", "-", given=key["secret"],
        )  # fmt: skip
        assert tested.status == 0, tested.out
        program("policy", "Invented High", "students=on", "parents=on", "notify=owner@invented.example")
        first = program("sync", "Invented High", "--json").json
        assert (first["state"], first["complete"], first["counts"]["add"]) == ("done", True, 1187)
        second = program("sync", "Invented High", "--json").json
        assert (second["counts"]["add"], second["counts"]["unchanged"]) == (0, 1187)
        people = program("people", "Invented High", "--json").json["people"]
        assert len(people) == 1187
        assert all(person["primary_contact"] and person["primary_contact"]["reason"] for person in people)
        undone = program("run", "undo", str(first["run"]), "--json")
        assert undone.status == 0
        assert program("people", "Invented High", "--json").json["people"] == []
    mail = "".join(path.read_text() for path in (tmp_path / "home" / "mail").iterdir())
    assert "[OK] Invented High: 1,187 added" in mail
    assert key["secret"] not in mail
