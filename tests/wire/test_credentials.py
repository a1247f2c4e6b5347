"""What becomes of callers that a server knows already: two servers over one database, as when several workers share the calls."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.commands import Commands, commands
from tests.ports import free_port
from tests.program import Program
from tests.wire.rehearsing import App, http, new_app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Commands, list[str]]]:
    """Commands, and the addresses of two servers over the same data."""
    program = Program(tmp_path_factory.mktemp("credentials"))
    with (
        commands(program) as run,
        program.serving("sis", "serve", port=free_port()) as one,
        program.serving("sis", "serve", port=free_port()) as other,
    ):
        assert run("sis", "generate", "--students", "30", "--schools", "2").status == 0
        yield run, [one, other]


@pytest.fixture
def known(home: tuple[Commands, list[str]]) -> list[App]:
    """One app at both servers, with one token that both know by heart."""
    run, (one, other) = home
    app = new_app(one, run)
    app.ask_for_token()
    apps = [app, replace(app, site=other, statuses=[])]
    for each in apps:
        for _ in range(20):
            assert each.get("/orgs").status == 200
    return apps


def statuses(apps: list[App]) -> list[int]:
    return [app.get("/orgs").status for app in apps]


def soon(holds: Callable[[], bool]) -> bool:
    """Whether something holds once the database's notice has reached the servers: a moment, on a busy machine too."""
    until = time.monotonic() + 2
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def users(apps: list[App]) -> list[int]:
    return [len(app.all("users")) for app in apps]


def test_an_inactive_secured_user_is_refused_by_every_server_at_once(known: list[App]) -> None:
    app = known[0]
    app.home("sis", "user", "deactivate", app.name)
    assert soon(lambda: statuses(known) == [401, 401])
    assert [one.ask_for_token("/oauth/token").status for one in known] == [401, 401]
    app.home("sis", "user", "activate", app.name)
    assert statuses(known) == [200, 200]


def test_a_new_secret_ends_the_old_one_with_its_tokens(known: list[App]) -> None:
    app = known[0]
    new = app.home("sis", "key", "new", app.name, "--json").json
    assert soon(lambda: statuses(known) == [401, 401])
    assert [one.ask_for_token("/oauth/token").status for one in known] == [401, 401]
    for one in known:
        one.key, one.secret, one.token = new["key"], new["secret"], ""
    assert statuses(known) == [200, 200]


def test_with_an_overlap_the_old_secret_works_to_its_end_and_no_longer(known: list[App]) -> None:
    app = known[0]
    app.home("sis", "key", "new", app.name, "--overlap", "1 hour")
    assert statuses(known) == [200, 200]
    assert [one.ask_for_token("/oauth/token").status for one in known] == [200, 200]
    assert statuses(known) == [200, 200]
    app.home.sql("UPDATE secured_users_key SET ends_at = now() WHERE key = %s", app.key)  # an hour later
    assert soon(lambda: statuses(known) == [401, 401])
    assert [one.ask_for_token("/oauth/token").status for one in known] == [401, 401]


def test_what_it_may_see_changes_for_every_server_at_once(known: list[App]) -> None:
    app = known[0]
    before = users(known)
    assert app.home("sis", "user", "share", app.name, "--school", "school-001").status == 0
    assert soon(lambda: max(users(known)) < before[0])
    assert len(set(users(known))) == 1
    app.home("sis", "user", "share", app.name, "--everything")
    assert soon(lambda: users(known) == before)


def test_calls_and_last_use_are_told_and_no_call_is_lost_under_load(known: list[App]) -> None:
    app = known[0]

    def hammer(number: int) -> int:
        one = known[number % 2]
        headers = {"Authorization": f"Bearer {one.token}"}
        return http.request("GET", f"{one.site}/ims/oneroster/v1p1/orgs?limit=1", headers=headers).status

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(hammer, range(400))) == {200: 400}
    made = len(app.statuses) + len(known[1].statuses) + 400
    until = time.monotonic() + 30  # they are written some seconds late, by each server for itself
    while (said := told(app))["calls"] < made and time.monotonic() < until:
        time.sleep(0.5)
    assert said["calls"] == made
    assert said["last_used_at"] > said["secret_made_at"]


def told(app: App) -> Any:
    users = app.home("sis", "user", "list", "--json").json["users"]
    return next(one for one in users if one["name"] == app.name)
