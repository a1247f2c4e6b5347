"""Bad input on the command line: each gets a message that says what, why and what to do, and nothing stored is lost."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SisSite
from tests.program import Program, Said
from tests.wire.misbehaving import Answer, server

SAMPLES = Path(__file__).parents[1] / "samples" / "mocker-v1p1"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A school app with one school, that nobody has connected yet."""
    made = Program(tmp_path_factory.mktemp("cli"))
    assert made("school", "add", "Lincoln High", "--district", "Riverside").status == 0
    return made


@pytest.fixture(scope="module")
def connected(program: Program, sis_site: SisSite) -> Iterator[Program]:
    assert connect(program, sis_site).status == 0
    yield program


def connect(program: Program, site: SisSite, secret: str = "", **other: str) -> Said:
    said = {"url": site.base(), "key": site.key, "school-id": "004", **other}
    words = [word for name, value in said.items() for word in (f"--{name}", value)]
    return program(
        "connect", "Lincoln High", *words, "--secret-file", "-", "--json", given=secret or site.secret
    )


def failing(said: Said) -> dict[str, str]:
    """The point of a test that failed."""
    point: dict[str, str] = next(check for check in said.json["checks"] if check["ok"] is False)
    return point


@pytest.mark.parametrize(
    ("other", "name", "says"),
    [
        ({"url": "http://127.0.0.1:9/ims/oneroster/v1p1"}, "reach", "does not answer"),
        ({"url": "https://no-such-host.invalid/v1p1"}, "dns", "No server has the name no-such-host.invalid"),
        ({"url": "nonsense"}, "", ""),
        ({"key": "wrong"}, "token", "refused|wrong|not accept"),
        ({"secret": "wrong"}, "token", "refused|wrong|not accept"),
        ({"school-id": "999"}, "school_id", "No school has the id, number or name “999”"),
        ({"school-id": "district-1"}, "school_id", "is a district, not a school"),
    ],
)
def test_what_was_typed_wrong_is_named_with_its_cure(
    program: Program, sis_site: SisSite, other: dict[str, str], name: str, says: str
) -> None:
    import re

    said = connect(program, sis_site, **other)
    point = failing(said)
    assert said.status == 1
    assert not name or point["name"] == name
    assert re.search(says, point["detail"]), point
    assert point["cure"]
    assert sis_site.secret not in said.out + said.err


def test_a_page_that_is_not_json_is_named(program: Program, sis_site: SisSite) -> None:
    with server(
        [], lambda asked, answer: Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
    ) as at:
        said = connect(program, sis_site, url=at.base)
    assert said.status == 1
    assert "web page" in failing(said)["detail"]


def test_a_failed_test_leaves_the_people_as_they_were(connected: Program, sis_site: SisSite) -> None:
    assert connected("policy", "Lincoln High", "students=on").status == 0
    assert connected("sync", "Lincoln High", "--json").json["state"] == "done"
    before = connected("people", "Lincoln High", "--json").json
    assert len(before["people"]) > 0
    assert connect(connected, sis_site, secret="wrong").status == 1
    failed = connected("sync", "Lincoln High", "--json")
    assert (failed.status, failed.json["state"]) == (1, "failed")
    assert failed.json["cure"]
    assert connected("people", "Lincoln High", "--json").json == before
    assert connect(connected, sis_site).status == 0
    assert connected("sync", "Lincoln High", "--json").json["counts"]["add"] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sync", "Nowhere"], "There is no school Nowhere"),
        (["run", "show", "999"], "There is no run 999"),
        (["person", "999999"], "There is no person"),
        (["policy", "Lincoln High", "students=perhaps"], "on or off"),
        (["policy", "Lincoln High", "pupils=on"], "There is no setting"),
        (["policy", "Lincoln High", "time=25:99"], "hour and minute"),
        (["policy", "Lincoln High", "notify=r.diaz"], "not an e-mail address"),
        (["policy", "Lincoln High", "hold.percent=many"], "number from 0 to 100"),
        (
            ["account", "add", "not-an-address", "--role", "owner", "--school", "Lincoln High"],
            "not an e-mail address",
        ),
        (
            ["account", "add", "a@b.example", "--role", "king", "--school", "Lincoln High"],
            "There is no role king",
        ),
        (["account", "add", "a@b.example", "--role", "owner"], "Of which school"),
        (["people", "Lincoln High", "--role", "pupils"], "There is no role pupils"),
        (["nonsense"], "No such command"),
        (["sync"], "Missing argument"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_to_do(connected: Program, words: list[str], says: str) -> None:
    said = connected(*words)
    assert said.status == 2
    assert says in said.err
    assert "Traceback" not in said.err + said.out
    assert said.out == ""


def test_a_setting_that_is_refused_changes_none_of_the_others(connected: Program) -> None:
    before = connected("policy", "Lincoln High", "--json").json
    assert connected("policy", "Lincoln High", "teachers=on", "staff=perhaps").status == 2
    assert connected("policy", "Lincoln High", "--json").json == before


@pytest.mark.parametrize("words", [["serve"], ["sis", "serve"], ["demo", "--once"]])
def test_a_port_in_use_is_named(program: Program, words: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = program(*words, "--port", str(taken.getsockname()[1]))
    assert said.status == 2
    assert "cannot be used: it is taken" in said.err
    assert "--port" in said.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("users.csv", "", "empty"),
        ("users.csv", "name,age\nAna,9\n", "sourcedId"),
        ("people.csv", "a,b\n", "OneRoster"),
    ],
)
def test_a_csv_that_is_none_is_refused_and_the_data_stays(
    tmp_path: Path, sis_site: SisSite, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content)
    before = sis_site.program("sis", "status", "--json").json
    said = sis_site.program("sis", "load", str(tmp_path))
    assert said.status == 1
    assert says in said.err
    assert "Nothing was changed" in said.err
    assert sis_site.program("sis", "status", "--json").json == before


def test_a_set_with_faults_is_reported_with_file_row_and_cure(tmp_path: Path, program: Program) -> None:
    (tmp_path / "users.csv").write_bytes((SAMPLES / "users-2000-with-families.csv").read_bytes())
    said = program("csv", "check", str(tmp_path), "--json")
    assert (said.status, said.json["ok"], said.json["version"]) == (1, False, "1.1")
    assert all(
        {"code", "file", "row", "sourced_id", "field", "message", "cure"} <= problem.keys()
        for problem in said.json["problems"]
    )


def test_a_database_that_does_not_answer_is_named_without_its_password(program: Program) -> None:
    said = program("school", "list", DATABASE_URL="postgresql://me:hush-hush@127.0.0.1:9/nothing")
    assert said.status == 1
    assert "The database does not answer" in said.err
    assert "hush-hush" not in said.err


def test_a_taken_port_of_the_demos_sis_side_names_the_option_for_it(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = program("demo", "--sis-port", str(taken.getsockname()[1]))
    assert said.status == 2
    assert "choose another with --sis-port" in said.err


def test_no_secret_given_is_said(program: Program) -> None:
    said = program(
        "connect", "Lincoln High", "--url", "https://sis.example", "--key", "k", "--school-id", "4"
    )
    assert said.status == 2
    assert "HOMEROOM_SECRET" in said.err


def test_json_is_the_only_thing_on_standard_output(connected: Program) -> None:
    for words in (
        ["sync", "Lincoln High"],
        ["run", "list", "Lincoln High"],
        ["people", "Lincoln High"],
        ["doctor"],
        ["test", "Lincoln High"],
    ):
        json.loads(connected(*words, "--json").out)


def test_stored_secrets_that_no_key_opens_are_named(connected: Program) -> None:
    other = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
    said = connected("sync", "Lincoln High", HOMEROOM_KEY=other)
    assert said.status == 1
    assert "cannot be opened" in said.err
    assert "Traceback" not in said.err
