"""What every test may use. Real parts are started here: the database by the settings, servers by the fixtures that need them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import pytest_django
from django.db import connection
from hypothesis import HealthCheck, settings

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, V1P2
from tests import odd
from tests.ports import free_port
from tests.program import Program

settings.register_profile("homeroom", deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
settings.load_profile("homeroom")


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """The tests' database. What still listens to it in a thread of its own is sent away before it is dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def sis_urls(settings: object) -> None:
    """Pages of the SIS side in place of the school app's."""
    settings.ROOT_URLCONF = "homeroom.sis.urls"  # type: ignore[attr-defined]
    settings.NAVIGATION = "sis/navigation.html"  # type: ignore[attr-defined]
    settings.BANNER = "rehearsal/banner.html"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class SisSite:
    """A SIS side that serves an invented district of three schools, and a key to it."""

    program: Program
    address: str
    key: str
    secret: str

    def base(self, version: str = "1.1") -> str:
        """The base address of a version."""
        return self.address + BASE_PATHS[V1P1 if version == "1.1" else V1P2]


STUDENTS, SCHOOLS, SEED = 90, 3, 7


@pytest.fixture(scope="session")
def sis_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SisSite]:
    """One for all tests that only read."""
    program = Program(tmp_path_factory.mktemp("sis"))
    assert (
        program(
            "sis", "generate", "--students", str(STUDENTS), "--schools", str(SCHOOLS), "--seed", str(SEED)
        ).status
        == 0
    )
    assert program("sis", "user", "add", "Minga").status == 0
    key = program("sis", "key", "new", "Minga", "--json").json
    with program.serving("sis", "serve", port=free_port()) as address:
        yield SisSite(program, address, key["key"], key["secret"])


@pytest.fixture(scope="session")
def odd_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SisSite]:
    """One that serves the odd district, for all tests that only read."""
    folder = tmp_path_factory.mktemp("odd")
    program = Program(folder / "home")
    assert program("sis", "load", str(odd.write(folder / "set")), "--replace").status == 0
    assert program("sis", "user", "add", "Odd").status == 0
    key = program("sis", "key", "new", "Odd", "--json").json
    with program.serving("sis", "serve", port=free_port()) as address:
        yield SisSite(program, address, key["key"], key["secret"])
