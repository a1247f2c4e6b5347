"""Records marked `tobedeleted` are served for a set time and are then gone, whether or not anybody loads."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeroom.sis.records.deleted import forget_everywhere
from homeroom.sis.records.load import load
from homeroom.sis.records.models import Record, Share, Total
from homeroom.sis.records.store import share_anew
from tests.oneroster.sets import sample
from tests.sis.records.served import served

NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def ana_leaves(tmp_path: Path, *, delta: bool) -> None:
    Share.objects.get_or_create(pk=0)  # a test that empties the tables may have come before
    load(sample("1.1").zip(tmp_path / "set.zip"), replace=False, now=NOW)
    made = sample("1.1").as_delta() if delta else sample("1.1")
    if delta:
        made.files["users"] = made.files["users"][:2]
        made.put("users", 2, "status", "tobedeleted")
        made.put(
            "users", 2, "dateLastModified", "2001-01-01T00:00:00.000Z"
        )  # when the SIS knew; we learn it now
    else:
        del made.files["users"][1]
    for table in [table for table in made.files if table != "users"]:
        made.drop(table)
    load(made.zip(tmp_path / "set.zip"), replace=False, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("delta", [False, True])
def test_it_is_kept_from_when_we_learned_of_it(tmp_path: Path, settings: Any, delta: bool) -> None:
    settings.KEEP_DELETED_DAYS = 10
    ana_leaves(tmp_path, delta=delta)
    assert forget_everywhere(NOW + 9 * DAY) == 0
    assert set(served("users", status="tobedeleted")) == {"ana"}
    revision = Share.objects.get(pk=0).revision
    assert forget_everywhere(NOW + 11 * DAY) == 1
    assert not Record.objects.filter(kind="users", sourced_id="ana").exists()
    assert Total.objects.get(share=0, kind="users", subset="").count == 2
    assert Share.objects.get(pk=0).revision == revision + 1  # so that no client is given it from a cache
    assert forget_everywhere(NOW + 11 * DAY) == 0
    assert Share.objects.get(pk=0).revision == revision + 1


@pytest.mark.django_db
def test_it_goes_with_a_load_too(tmp_path: Path, settings: Any) -> None:
    settings.KEEP_DELETED_DAYS = 10
    ana_leaves(tmp_path, delta=False)
    orgs = sample("1.1")
    for table in [table for table in orgs.files if table != "orgs"]:
        orgs.drop(table)
    load(orgs.zip(tmp_path / "set.zip"), replace=False, now=NOW + 11 * DAY)
    assert served("users", status="tobedeleted") == {}


@pytest.mark.django_db
def test_it_goes_from_what_narrowed_callers_are_given_too(tmp_path: Path, settings: Any) -> None:
    settings.KEEP_DELETED_DAYS = 10
    load(sample("1.1").zip(tmp_path / "set.zip"), replace=False, now=NOW)
    share = Share(
        groups=["students", "teachers", "staff", "admins", "parents", "others"], hidden=["users.email"]
    )
    share_anew(share, NOW)
    ana_leaves(tmp_path, delta=False)
    there = Record.objects.filter(share=share.pk, kind="users", sourced_id="ana")
    assert there.get().status == "tobedeleted"
    forget_everywhere(NOW + 11 * DAY)
    assert not there.exists()
