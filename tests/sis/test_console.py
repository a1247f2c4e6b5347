"""What an administrator does on the pages of one secured user and of the data, by forms as a browser sends them."""

import json
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from homeroom.problems import Problem
from homeroom.sis.oneroster_api.snapshots import snapshots
from homeroom.sis.records.generate import generate_district
from homeroom.sis.records.load import remember
from homeroom.sis.records.models import Load, Record, Share
from homeroom.sis.records.sharing import GROUPS
from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from homeroom.sis.rehearsal.models import Rehearsal
from homeroom.sis.rehearsal.switch import start
from homeroom.sis.secured_users.keys import generate
from homeroom.sis.secured_users.models import Fetch, SecuredUser
from homeroom.web.accounts.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sis_urls")]


@pytest.fixture
def administrator(db: None) -> Client:
    Share.objects.get_or_create(pk=0)
    client = Client()
    client.force_login(Account.objects.create_user("it@riverside.example"))
    return client


@pytest.fixture
def minga(administrator: Client) -> Any:
    """A secured user with a key, of a district of two schools."""
    generate_district(20, 2, 3, timezone.now())
    user = SecuredUser.objects.create(name="Minga")
    generate(user, timezone.now())
    yield user
    snapshots.wait()


def at(user: SecuredUser, page: str) -> str:
    return f"/secured-users/{user.pk}/{page}/"


NAMES_ONLY = {
    "groups": [group for group in GROUPS if group != "parents"],
    "hidden": ["demographics.birthDate"],
}


# What it may see.


def test_a_preview_shows_what_it_would_receive_and_changes_nothing(
    administrator: Client, minga: SecuredUser
) -> None:
    said = {**NAMES_ONLY, "schools": ["school-001"], "go": "preview", "wanted": "S100001@lincoln.example"}
    page = administrator.post(at(minga, "sharing"), said).content.decode()
    assert "What Minga would receive; nothing is saved yet" in page
    seen = page.partition("What Minga would receive")[2]
    assert "birthDate" not in seen
    assert "guardian" not in seen
    minga.refresh_from_db()
    assert minga.share == 0
    assert not Record.objects.exclude(share=0).exists()


def test_all_of_a_preview_can_be_downloaded(administrator: Client, minga: SecuredUser) -> None:
    answer = administrator.post(at(minga, "sharing"), {**NAMES_ONLY, "go": "download"})
    said = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert len(said["demographics"]) == 20
    assert not any("birthDate" in one for one in said["demographics"])
    assert answer["Content-Disposition"] == 'attachment; filename="preview.json"'


def test_saving_gives_this_and_nothing_else(administrator: Client, minga: SecuredUser) -> None:
    page = administrator.post(
        at(minga, "sharing"), {**NAMES_ONLY, "go": "save"}, follow=True
    ).content.decode()
    assert "From its next call on, Minga is given this and nothing else" in page
    minga.refresh_from_db()
    rules = Share.objects.get(pk=minga.share)
    assert (rules.schools, rules.hidden) == ([], ["demographics.birthDate"])
    assert "narrowed" in administrator.get("/secured-users/").content.decode()
    everything = {"groups": list(GROUPS), "go": "save"}
    administrator.post(at(minga, "sharing"), everything)
    minga.refresh_from_db()
    assert minga.share == 0


def test_nobody_at_all_is_no_rule(administrator: Client, minga: SecuredUser) -> None:
    page = administrator.post(at(minga, "sharing"), {"go": "save"}).content.decode()
    assert "Choose at least one group" in page
    minga.refresh_from_db()
    assert minga.share == 0


def test_a_school_that_is_no_longer_there_can_be_taken_off(administrator: Client, minga: SecuredUser) -> None:
    administrator.post(
        at(minga, "sharing"), {"groups": list(GROUPS), "schools": ["school-002"], "go": "save"}
    )
    Record.objects.filter(kind="orgs", sourced_id="school-002").delete()
    assert "school-002, no longer in the data" in administrator.get(at(minga, "sharing")).content.decode()


# What it fetched.


def test_the_log_is_searched_paged_and_downloaded(administrator: Client, minga: SecuredUser) -> None:
    now = timezone.now()
    for number in range(120):
        Fetch.objects.create(secured_user=minga, hour=now, call=f"1.1 /users sort=field{number}", status=200, calls=3,
                             records=1500, bytes=2048, last_at=now)  # fmt: skip
    Fetch.objects.create(secured_user=minga, hour=now, call="1.2 /orgs", status=403, last_at=now)
    page = administrator.get(at(minga, "log")).content.decode()
    assert "Page 1 of 2" in page
    found = administrator.get(at(minga, "log") + "?q=/orgs").content.decode()
    assert "✖ 403" in found
    assert "sort=field7" not in found
    rows = administrator.get(at(minga, "log") + "?q=/orgs&format=csv").content.decode().splitlines()
    assert len(rows) == 2
    assert rows[1].startswith(f"{now:%Y-%m-%d %H:%M},1.2 /orgs,403")


# Rehearsal.


def test_the_page_explains_every_switch(administrator: Client, minga: SecuredUser) -> None:
    page = unescape(administrator.get(at(minga, "rehearsal")).content.decode())
    for one in (*DIALECTS.values(), *FAULTS.values()):
        assert one.label in page
        assert one.says in page


def test_a_rehearsal_is_started_shown_everywhere_and_ended(administrator: Client, minga: SecuredUser) -> None:
    said = {"dialect": "aeries", "faults": ["half_pages", "rekeyed"], "seconds": "90", "go": "start"}
    page = administrator.post(at(minga, "rehearsal"), said, follow=True).content.decode()
    for address in (
        "http://testserver/aeries",
        "http://testserver/aeries/ims/oneroster/v1p1",
        "http://testserver/aeries/token",
    ):
        assert f">{address}</code>" in page
    on = Rehearsal.objects.get()
    assert (on.dialect, on.faults) == ("aeries", ["half_pages", "rekeyed"])
    for other in ("/secured-users/", "/data/", "/api-configuration/", at(minga, "api")):
        assert "not answered as the data says" in administrator.get(other).content.decode()
    minga.refresh_from_db()
    share = minga.share
    page = administrator.post(at(minga, "rehearsal"), {"go": "end"}, follow=True).content.decode()
    assert "The rehearsal is over" in page
    assert "not answered as the data says" not in page
    minga.refresh_from_db()
    assert minga.share == 0
    assert not Record.objects.filter(share=share).exists()


@pytest.mark.parametrize(("said", "says"), [
    ({"seconds": "90"}, "Choose a SIS, a fault, or both."),
    ({"seconds": "90", "dialect": "no_such"}, "✖"),
    ({"seconds": "0", "dialect": "aeries"}, "✖"),
])  # fmt: skip
def test_a_rehearsal_that_cannot_be_is_not_begun(
    administrator: Client, minga: SecuredUser, said: dict[str, str], says: str
) -> None:
    page = administrator.post(at(minga, "rehearsal"), {**said, "go": "start"}).content.decode()
    assert says in page
    assert not Rehearsal.objects.exists()


def test_a_rehearsal_keeps_what_it_may_see_narrowed_and_so_does_its_end(
    administrator: Client, minga: SecuredUser
) -> None:
    administrator.post(
        at(minga, "sharing"), {"groups": list(GROUPS), "schools": ["school-001"], "go": "save"}
    )
    minga.refresh_from_db()
    narrowed = set(
        Record.objects.filter(share=minga.share, kind="users").values_list("sourced_id", flat=True)
    )
    start(minga, timezone.now(), "", ["rekeyed"])
    rekeyed = set(Record.objects.filter(share=minga.share, kind="users").values_list("sourced_id", flat=True))
    assert len(rekeyed) == len(narrowed)
    assert not rekeyed & narrowed
    administrator.post(at(minga, "rehearsal"), {"go": "end"})
    after = set(Record.objects.filter(share=minga.share, kind="users").values_list("sourced_id", flat=True))
    assert after == narrowed


# API Explorer.


def tried(administrator: Client, user: SecuredUser, **said: str) -> str:
    form = {"user": str(user.pk), "version": "1.1", "path": "/users", "limit": "3", **said}
    return str(administrator.post("/api-explorer/", form).content.decode())


def test_a_call_is_tried_as_a_secured_user(administrator: Client, minga: SecuredUser) -> None:
    page = tried(administrator, minga, path="/orgs", filter="type='school'")
    for said in (
        "✔ 200",
        "2 records",
        "X-Total-Count: 2",
        "Content-Type: application/json",
        "school-001",
        "type%3D%27school%27",
    ):
        assert said in page
    assert "school-001" not in tried(
        administrator, minga, path="/orgs", filter="type='district'", fields_="name"
    )


@pytest.mark.parametrize(("said", "says"), [
    ({"path": "/users/{id}"}, "Put a sourcedId in the place of {id}."),
    ({"path": "/nothing"}, "There is no such address"),
    ({"path": "users/nobody"}, "✖ 404"),
    ({"filter": "nonsense"}, "✖ 400"),
    ({"version": "1.2", "path": "/orgs"}, "/ims/oneroster/rostering/v1p2/orgs"),
])  # fmt: skip
def test_what_is_wrong_with_a_call_is_said(
    administrator: Client, minga: SecuredUser, said: dict[str, str], says: str
) -> None:
    assert says in tried(administrator, minga, **said)


@pytest.mark.parametrize("name", list(DIALECTS))
def test_a_call_in_a_rehearsal_is_answered_as_its_app_would_be(
    administrator: Client, minga: SecuredUser, name: str
) -> None:
    start(minga, timezone.now(), name)
    page = tried(administrator, minga)
    assert "✔ 200" in page
    assert f"is being rehearsed as {DIALECTS[name].label}" in page
    assert ("Signed with OAuth 1.0a" in page) == (DIALECTS[name].auth == "signed")


def test_a_fault_is_seen_in_its_turn(administrator: Client, minga: SecuredUser) -> None:
    start(minga, timezone.now(), "", ["html"])
    pages = [tried(administrator, minga) for _ in range(3)]
    assert ["Please sign in" in page for page in pages] == [False, False, True]


def test_whoever_would_be_refused_is_refused_here(administrator: Client, minga: SecuredUser) -> None:
    SecuredUser.objects.update(active=False)
    assert "is refused with 401" in tried(administrator, minga)
    keyless = SecuredUser.objects.create(name="Bus App")
    assert "is refused with 401" in tried(administrator, keyless)


def test_a_narrowed_caller_is_shown_narrowed(administrator: Client, minga: SecuredUser) -> None:
    administrator.post(at(minga, "sharing"), {"groups": ["teachers"], "go": "save"})
    page = tried(administrator, minga, path="/students")
    assert "0 records" in page


# Data.


def test_counts_schools_and_loads_are_shown_searched_and_downloaded(
    administrator: Client, minga: SecuredUser
) -> None:
    page = administrator.get("/data/").content.decode()
    for said in ("20", "demographics", "Lincoln High", "sample district, seed 3", "✔ none"):
        assert said in page
    assert "Lincoln High" not in administrator.get("/data/?q=riverside").content.decode()
    rows = administrator.get("/data/?q=school-001&format=csv").content.decode().splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("Lincoln High,004,school-001,")
    assert "No load from a source" in administrator.get("/data/loads/?q=nowhere").content.decode()
    assert "sample district, seed 3" in administrator.get("/data/loads/?format=csv").content.decode()


def test_problems_of_a_load_are_grouped_with_their_cure_and_downloaded(
    administrator: Client, minga: SecuredUser
) -> None:
    problems = (
        *(
            Problem("missing_name", "users.csv", f"u{number}", "givenName", row=number + 2)
            for number in range(3)
        ),
        Problem("missing_org", "users.csv", "o9", "orgSourcedIds", row=7),
    )
    remember("export.zip", {"users": 12}, problems, 1.5, timezone.now())
    address = f"/data/loads/{Load.objects.first().pk}/"  # type: ignore[union-attr]
    page = administrator.get(address).content.decode()
    assert "4 problems, by cause" in page
    assert page.index("missing_name") < page.index("missing_org")
    assert problems[0].cure.partition("'")[0] in page
    assert "first in row 2" in page
    found = administrator.get(address + "?q=missing_org").content.decode()
    assert "missing_name" not in found
    rows = administrator.get(address + "?format=csv").content.decode().splitlines()
    assert rows[0] == "\ufeffCode,Where,Field,How many,First in row,What,Cure"
    assert rows[1].startswith("missing_name,users.csv,givenName,3,2,")
    assert "2 kinds" in administrator.get("/data/loads/").content.decode()
