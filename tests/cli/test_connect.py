"""homeroom connect and homeroom test: what scripts may rely on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Commands, commands
from tests.program import Program
from tests.wire.certificates import authority
from tests.wire.misbehaving import Answer, Asked, server, user

pytestmark = pytest.mark.slow
CHECK = {"name", "ok", "detail", "cure", "ask", "tried"}
PROFILE = {
    *(
        "version",
        "auth",
        "base_url",
        "token_url",
        "max_limit",
        "total_count",
        "link",
        "keyset",
        "school_endpoint",
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("connect")
    (folder / "secret").write_text("tell-nobody\n")
    (folder / "ca.pem").write_text(authority("Riverside CA").pem)
    (folder / "not.pem").write_text("hello")
    with commands(Program(folder / "home")) as said:
        assert said("school", "add", "Lincoln High", "--district", "Riverside").status == 0
        yield said


def words(folder: Path, url: str, *more: str) -> list[str]:
    secret = ["--secret-file", str(folder / "secret")]
    return [
        "connect",
        "Lincoln High",
        "--url",
        url,
        "--key",
        "k",
        "--school-id",
        "004",
        *secret,
        "--json",
        *more,
    ]


def test_connect_and_test_give_the_same_document(
    home: Commands, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = next(tmp_path_factory.getbasetemp().glob("connect*"))

    def moved(asked: Asked, answer: Answer) -> Answer:
        """Tokens where nobody would look."""
        right = asked.path == "/id/connect" and asked.query == {"tenant": "7"}
        return Answer(200, b'{"access_token": "token-1"}') if right else answer

    with server([user(1), user(2, role="teacher")], moved) as at:
        token = f"{at.address}/id/connect?tenant=7"
        ca = ("--ca-file", str(folder / "ca.pem"))
        first = home(*words(folder, at.base, "--token-url", token, *ca))
        again = home("test", "Lincoln High", "--json")
    assert (first.status, again.status) == (0, 0), first.out + first.err
    for said in (first.json, again.json):
        assert set(said) == {"ok", "checks", "profile", "schools", "counts", "sample"}
        assert set(said["checks"][0]) == CHECK
        assert set(said["profile"]) >= PROFILE
        assert said["profile"]["token_url"] == token
        assert said["schools"] == [{"sourcedId": "org-lincoln", "identifier": "004", "name": "Lincoln High"}]
        assert said["counts"] == {"student": 1, "teacher": 1}
    assert "tell-nobody" not in first.out + first.err + again.out + again.err
    assert "Ana" not in first.out + again.out


def test_a_wrong_ca_file_is_wrong_use(home: Commands, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = next(tmp_path_factory.getbasetemp().glob("connect*"))
    said = home(*words(folder, "https://sis.example", "--ca-file", str(folder / "not.pem")))
    assert said.status == 2
    assert "not a certificate in PEM form" in said.err


def test_plain_http_goes_nowhere_without_the_owner_s_word_for_that_host(
    home: Commands, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """http:// is read as https:// until somebody says otherwise. Nothing listens there: only what is tried is looked at."""
    folder = next(tmp_path_factory.getbasetemp().glob("connect*"))
    shy = home(*words(folder, "http://no-such-host.invalid/x"))
    assert "https:// in place of http://" in shy.json["checks"][0]["detail"]
    told = home(*words(folder, "http://no-such-host.invalid/x", "--plain-http"))
    assert told.json["checks"][0]["detail"].startswith("http://no-such-host.invalid/x: plain http")
    assert told.status == shy.status == 1
