"""What the pages of the school app do, by forms as a browser sends them."""

import pytest
from django.test import Client

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.policy import policy_of
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.sync.rules import GroupPolicy
from homeroom.web.accounts.links import sign_in_link
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.conftest import SisSite
from tests.invented import student

MANY = [student(f"s{number:02d}") for number in range(40)]


@pytest.fixture
def owner(trusting: World) -> Client:
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    client = Client()
    client.force_login(Account.objects.get(email="owner@lincoln.example"))
    return client


def at(world: World, page: str) -> str:
    return f"/schools/{world.lincoln.pk}/{page}"


def typed(site: SisSite, **other: str) -> dict[str, str]:
    said = {
        "method": "oneroster_api",
        "sis": "other",
        "enabled": "on",
        "url": site.base(),
        "key": site.key,
        "secret": site.secret,
        "school_id": "004",
    }
    return {**said, **other}


def test_save_and_test_connection_saves_tries_and_answers(
    trusting: World, owner: Client, sis_site: SisSite
) -> None:
    answer = owner.post(at(trusting, "rostering/"), typed(sis_site), follow=True)
    page = answer.content.decode()
    assert "The connection works" in page
    assert "Your School ID is the number of Lincoln High" in page
    assert RosterLink.objects.get(school=trusting.lincoln).org == "school-001"
    assert sis_site.secret not in page
    assert Connection.objects.get().enabled


def test_the_secret_is_encrypted_at_rest_and_never_shown_again(
    trusting: World, owner: Client, sis_site: SisSite
) -> None:
    from django.db import connection

    owner.post(at(trusting, "rostering/"), typed(sis_site))
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM connections_connection")
        stored = cursor.fetchone()[0]
    assert sis_site.secret not in stored
    assert Connection.objects.get().secret == sis_site.secret
    assert sis_site.secret not in owner.get(at(trusting, "rostering/")).content.decode()


def test_an_empty_secret_keeps_the_one_that_is_stored(
    trusting: World, owner: Client, sis_site: SisSite
) -> None:
    owner.post(at(trusting, "rostering/"), typed(sis_site))
    owner.post(at(trusting, "rostering/"), typed(sis_site, secret="", school_id="school-002"))
    assert Connection.objects.get().secret == sis_site.secret
    assert RosterLink.objects.get(school=trusting.lincoln).org == "school-002"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"secret": "wrong"}, "Key and secret"),
        ({"key": "wrong"}, "Key and secret"),
        ({"school_id": "999"}, "No school has the id, number or name “999”"),
        ({"url": "http://127.0.0.1:9/ims/oneroster/v1p1"}, "does not answer"),
        ({"url": "https://no-such-host.invalid/"}, "No server has the name"),
        ({"url": "not an address"}, "✖"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    trusting: World, owner: Client, sis_site: SisSite, other: dict[str, str], says: str
) -> None:
    page = owner.post(at(trusting, "rostering/"), typed(sis_site, **other), follow=True).content.decode()
    assert says in page
    assert "The connection does not work yet" in page
    assert RosterLink.objects.get(school=trusting.lincoln).school_id_typed == other.get("school_id", "004")


def test_a_wrong_school_id_is_answered_with_the_schools_there_are(
    trusting: World, owner: Client, sis_site: SisSite
) -> None:
    page = owner.post(
        at(trusting, "rostering/"), typed(sis_site, school_id="999"), follow=True
    ).content.decode()
    assert "Riverside Middle" in page
    assert 'data-value="school-002"' in page


def test_sync_settings_are_saved_and_a_bad_address_is_refused(trusting: World, owner: Client) -> None:
    said = {
        "students": "on",
        "time": "03:15",
        "hold_percent": "10",
        "hold_count": "50",
        "notify": "r.diaz@lincoln.example",
    }
    owner.post(at(trusting, "rostering/settings/"), said)
    link = RosterLink.objects.select_related("connection").get(school=trusting.lincoln)
    assert policy_of(link).students == GroupPolicy(roster=True)
    assert link.policy["parents"] is False
    assert (link.notify, link.connection.sync_time.strftime("%H:%M")) == (["r.diaz@lincoln.example"], "03:15")
    page = owner.post(at(trusting, "rostering/settings/"), {**said, "notify": "r.diaz"}).content.decode()
    assert "is not an e-mail address" in page


def test_a_run_is_started_for_the_worker_and_only_one(trusting: World, owner: Client) -> None:
    owner.post(at(trusting, "rostering/runs/"), {"kind": "dry run"})
    run = Run.objects.get()
    assert (run.state, run.dry_run, str(run.started_by)) == ("queued", True, "owner@lincoln.example")
    page = owner.post(at(trusting, "rostering/runs/"), {"kind": "sync"}, follow=True).content.decode()
    assert "under way already" in page
    assert Run.objects.count() == 1


def test_a_held_run_is_approved_on_its_page(trusting: World, owner: Client) -> None:
    trusting.night(MANY)
    run = trusting.night(MANY[10:])
    page = owner.get(at(trusting, f"rostering/runs/{run.pk}/")).content.decode()
    assert "10 of 40 students would be archived" in page
    assert "Approve 10" in page
    leaving = Change.objects.filter(run=run, state="held").values_list("subject_id", flat=True)
    assert all(f'<a href="{at(trusting, f"people/{id_}/")}">' in page for id_ in leaving)
    owner.post(at(trusting, f"rostering/runs/{run.pk}/decide/"), {"decision": "approve"})
    assert len(trusting.active()) == 30
    assert Change.objects.filter(run=run, decided_by__email="owner@lincoln.example").count() == 10
    page = owner.get(at(trusting, f"rostering/runs/{run.pk}/undo/")).content.decode()
    assert "<strong>10 changes</strong> would be turned round" in page
    owner.post(at(trusting, f"rostering/runs/{run.pk}/undo/"))
    assert len(trusting.active()) == 40


def test_what_a_run_did_to_one_person_is_undone_on_its_page(trusting: World, owner: Client) -> None:
    trusting.night(MANY)
    run = trusting.night([student("s00", given_name="Ada"), student("s01", given_name="Bo"), *MANY[2:]])
    undo = at(trusting, f"rostering/runs/{run.pk}/undo/")
    ada = Person.objects.get(number="n-s00")
    assert f'value="{ada.pk}"' in owner.get(undo + "?q=Ada").content.decode()
    assert "<strong>1 change</strong>" in owner.get(undo + f"?person={ada.pk}").content.decode()
    owner.post(undo, {"person": ada.pk})
    assert set(Person.objects.filter(number__in=("n-s00", "n-s01")).values_list("given_name", flat=True)) == {
        "Ana",
        "Bo",
    }
    other = Person.objects.get(number="n-s39")
    assert owner.get(undo + f"?person={other.pk}").status_code == 404


def test_changes_can_be_searched_filtered_and_downloaded(trusting: World, owner: Client) -> None:
    run = trusting.night(MANY)
    address = at(trusting, f"rostering/runs/{run.pk}/")
    assert owner.get(address + "?q=n-s07").content.decode().count("<code>n-s07") <= 1
    assert "s07@lincoln.example" in owner.get(address + "?q=n-s07").content.decode()
    assert "No change fits this filter" in owner.get(address + "?action=archive").content.decode()
    assert owner.get(address + "?format=csv").content.decode().count("\r\n") == 41


def test_a_spreadsheet_runs_nothing_that_a_name_says(trusting: World, owner: Client) -> None:
    trusting.night([student("a", given_name="=HYPERLINK(1)")])
    assert "'=HYPERLINK(1)" in owner.get(at(trusting, "people/?format=csv")).content.decode()


def test_people_are_searched_narrowed_and_paged(trusting: World, owner: Client) -> None:
    trusting.night([student(f"p{number:03d}") for number in range(60)])
    page = owner.get(at(trusting, "people/?page=2")).content.decode()
    assert "Page 2 of 2" in page
    assert "Lopez p033" in owner.get(at(trusting, "people/?q=n-p033")).content.decode()
    assert "Nobody fits" in owner.get(at(trusting, "people/?role=teachers")).content.decode()


def test_what_is_done_by_hand_leaves_its_line_in_the_time_line(trusting: World, owner: Client) -> None:
    trusting.night([student("a")])
    person = Person.objects.get()
    change = at(trusting, f"people/{person.pk}/change/")
    owner.post(
        change,
        {
            "do": "edit",
            "given_name": "Anita",
            "family_name": person.family_name,
            "email": person.email,
            "number": person.number,
        },
    )
    for do in ("exclude", "include", "archive", "restore", "release"):
        owner.post(change, {"do": do})
    page = owner.get(at(trusting, f"people/{person.pk}/")).content.decode()
    for said in (
        "edited by hand",
        "excluded from sync by hand",
        "archived by hand",
        "restored by hand",
        "released to the SIS",
        "Anita",
    ):
        assert said in page
    assert Membership.objects.get().ended_at is None


def test_a_sign_in_link_works_once(db: None) -> None:
    account = Account.objects.create_user("new@lincoln.example")
    link = sign_in_link(account, "http://testserver")
    client = Client()
    form = client.get(link, follow=True)
    assert "Choose a password" in form.content.decode()
    path = form.request["PATH_INFO"]
    answer = client.post(path, {"password1": "correct-horse-battery", "password2": "correct-horse-battery"})
    assert answer.status_code == 302
    assert client.get("/").status_code == 200
    assert "used already" in Client().get(link, follow=True).content.decode()


def test_security_headers_stand_on_every_page(db: None) -> None:
    answer = Client().get("/sign-in/login/")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_school_without_a_connection_is_led_to_set_up(world: World) -> None:
    lone = School.objects.create(district=world.district, name="Lone")
    grant("lone@lincoln.example", Role.OWNER, school=lone)
    client = Client()
    client.force_login(Account.objects.get(email="lone@lincoln.example"))
    for page in ("rostering/settings/", "rostering/runs/"):
        assert client.get(f"/schools/{lone.pk}/{page}")["Location"] == f"/schools/{lone.pk}/rostering/"
    assert client.get(f"/schools/{lone.pk}/rostering/").status_code == 200
