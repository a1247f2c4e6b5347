"""Test Connection against the SIS side in each of its dialects, from what an administrator of that SIS would paste."""

import pytest

from homeroom.oneroster.exchange import Exchange
from homeroom.sis.rehearsal.dialects import DIALECTS, Auth, Dialect
from homeroom.sync.reading import ConnectionTest
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.commands import commands
from tests.conftest import SisSite

pytestmark = pytest.mark.slow
NO_GUARDIANS = ("classlink", "classlink_proxy", "aeries", "infinite_campus_1_1", "ed_fi")
DERIVED = ("powerschool", "aeries")  # whose token address is found by itself


def test_each_dialect_is_found_from_what_its_screens_show(sis_site: SisSite) -> None:
    with commands(sis_site.program) as run:
        run("sis", "user", "add", "Dialects")
        key = run("sis", "key", "new", "Dialects", "--json").json
        for name, dialect in DIALECTS.items():
            assert run("sis", "rehearse", "Dialects", "--dialect", name).status == 0
            token_url = sis_site.address + dialect.token if dialect.token and name not in DERIVED else ""
            url, sis = sis_site.address + dialect.shown, name if name in DERIVED else "other"
            settings = RestSettings(url, key["key"], key["secret"], token_url, sis=sis)
            tried(name, dialect, RestSource(settings, exchange=Exchange(sleep=lambda _: None)))
        run("sis", "user", "deactivate", "Dialects")


def tried(name: str, dialect: Dialect, source: RestSource) -> None:
    school = min((org for org in source.orgs() if org.type == "school"), key=lambda org: org.sourced_id)
    answer = source.check(school.sourced_id)
    profile, why = answer.profile, (name, [check for check in answer.checks if check.ok is not True])
    assert answer.ok, why
    assert profile["version"] in dialect.versions, why
    assert str(profile["auth"]).startswith(HOW[dialect.auth]), why
    assert answer.counts["student"] > 10, why
    assert (profile["total_count"], profile["cookies"]) == (dialect.totals, dialect.cookie), why
    assert guardians(answer) == (name not in NO_GUARDIANS), why


HOW = {Auth.TOKEN: "oauth2", Auth.SIGNED: "oauth1", Auth.BEARER: "bearer"}


def guardians(answer: ConnectionTest) -> bool:
    """Whether the test says that guardians come, linked."""
    return next(check.ok is True for check in answer.checks if check.name == "guardians")
