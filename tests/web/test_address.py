"""A site's address: as its setting says, else where it last listened."""

from pathlib import Path

import pytest

from homeroom.web.address import SETTINGS, address_of, listens


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEROOM_HOME", str(tmp_path))
    for name in SETTINGS.values():
        monkeypatch.setenv(name, "")  # so that what `listens` sets is taken back
        monkeypatch.delenv(name)


def test_a_site_that_never_listened_is_at_its_usual_port() -> None:
    assert (address_of("campus"), address_of("sis")) == ("http://127.0.0.1:8000", "http://127.0.0.1:8010")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9021"),
        ("sis.example", "http://sis.example:9021"),
        ("0.0.0.0", "http://127.0.0.1:9021"),
        ("::", "http://127.0.0.1:9021"),
        ("::1", "http://[::1]:9021"),
    ],
)
def test_another_process_knows_where_it_listens(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listens("sis", host, 9021) == address
    monkeypatch.delenv("HOMEROOM_SIS_URL", raising=False)
    assert address_of("sis") == address
    assert address_of("campus") == "http://127.0.0.1:8000"


def test_the_setting_is_worth_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEROOM_URL", "https://homeroom.example/")
    assert listens("campus", "127.0.0.1", 9020) == "http://127.0.0.1:9020"
    assert address_of("campus") == "https://homeroom.example"


def test_people_reach_a_site_on_every_address_under_another_than_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    listens("sis", "0.0.0.0", 9021)
    assert "HOMEROOM_SIS_URL" not in os.environ
