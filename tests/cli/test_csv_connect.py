"""A school connected by CSV on the command line, from the folder to the people, and what is refused."""

import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from homeroom.cli.csv_connect import save_csv
from homeroom.cli.trouble import WRONG_USE, Trouble
from homeroom.oneroster.endpoints import V1P2
from tests.program import Program, Said
from tests.sftp import new_key, sftp_site
from tests.sync.sources.ways import district, files_of, lying


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    made = Program(tmp_path_factory.mktemp("cli-csv"))
    assert made("school", "add", "Lincoln High", "--district", "Riverside").status == 0
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("sets")
    return written(lying(files_of(district(), V1P2, at), at / "set"), time.time() - 3600)


def written(folder: Path, at: float) -> Path:
    for path in folder.iterdir():
        os.utime(path, (at, at))
    return folder


def connect(program: Program, where: object, *more: str, given: str = "") -> Said:
    return program(
        "connect", "Lincoln High", "--csv", str(where), "--school-id", "004", "--json", *more, given=given
    )


@pytest.mark.slow
def test_from_a_folder_to_the_people_and_an_older_set_waits_for_a_word(
    program: Program, folder: Path
) -> None:
    answer = connect(program, folder)
    assert (answer.status, answer.json["ok"], answer.json["profile"]["version"]) == (0, True, "1.2"), (
        answer.out
    )
    assert [school["name"] for school in answer.json["schools"]] == ["Lincoln High", "Oakwood"]
    program("policy", "Lincoln High", "students=on", "students.archive=on", "students.auto_update=on")
    run = program("sync", "Lincoln High", "--json").json
    assert (run["state"], run["complete"], run["counts"]["add"]) == ("done", True, 29)
    written(folder, datetime(2026, 1, 1).timestamp())
    refused = program("sync", "Lincoln High", "--json")
    assert (refused.status, refused.json["state"]) == (1, "failed")
    assert connect(program, folder, "--older").status == 0
    assert program("sync", "Lincoln High", "--json").json["complete"]


@pytest.mark.slow
def test_over_sftp_by_key(program: Program, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(new_key())
    with sftp_site(folder.parent, user_key=(tmp_path / "key").read_text()) as site:
        where = f"sftp://{site.username}@127.0.0.1:{site.port}/set"
        answer = connect(program, where, "--key-file", str(tmp_path / "key"))
        assert answer.json["ok"], answer.out
        wrong = connect(program, where, "--secret-file", "-", given="not it")
        assert (wrong.status, wrong.json["ok"]) == (1, False)
        assert "not it" not in wrong.out + wrong.err


@pytest.mark.parametrize(
    ("where", "key", "says"),
    [
        ("/nowhere/at/all", None, "There is nothing at"),
        ("sftp://user:secret@host/x", None, "does not belong in the address"),
        ("sftp://host/x", None, "names no host or no user"),
        ("sftp://user@host:port/x", None, "not an SFTP address"),
        ("sftp://user@host/x", "/etc/hostname", "no private key"),
        ("sftp://user@host/x", "/nowhere", "key file cannot be read"),
    ],
)
def test_wrong_use_says_what_to_do(where: str, key: str | None, says: str) -> None:
    with pytest.raises(Trouble, match=says) as trouble:
        save_csv(None, where, "004", "other", None, key, whole=False)
    assert trouble.value.status == WRONG_USE
    assert trouble.value.cure
    assert "secret" not in str(trouble.value)
