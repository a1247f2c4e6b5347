"""The proof of a reading, where people look for it: the run's page, its mail, its JSON."""

from django.test import Client
from django.urls import reverse

from homeroom.campus.runs.models import Run
from homeroom.campus.runs.start import make_run
from homeroom.campus.runs.sync import carry_out
from homeroom.campus.runs.telling.describe import changes, describe
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.campus.world import World
from tests.postbox import Postbox
from tests.wire.faults import PEOPLE, moved_once, revision, users
from tests.wire.misbehaving import Answer, Asked, server


def moved_and_marked(asked: Asked, answer: Answer) -> Answer:
    return revision(lambda asked: "rev-7")(asked, moved_once(asked, answer))


def night(world: World) -> Run:
    """A night whose first attempt met a row that moved."""
    people = [{**person, "password": "opensesame"} for person in PEOPLE]
    with server(people, users(moved_and_marked)) as at:
        profile = Profile("1.1", at.base, token_url=f"{at.address}/oauth/token", max_limit=10)
        source = RestSource(RestSettings(at.base, "key", "secret"), profile, Exchange(sleep=lambda _: None))
        run = make_run(world.link().connection, "nightly", None)
        return carry_out(run, source, clock=world.clock)


def test_the_proof_of_each_collection_is_kept_and_shown(world: World, mails: Postbox) -> None:
    world.configure("students=on", "notify=owner@lincoln.example")
    run = night(world)
    said = describe(run)["evidence"]["users"]
    assert (said["claimed"], said["received"], said["attempts"], said["revision"]) == (25, 25, 2, "rev-7")
    assert said["checksum"]
    (mail,) = mails.mails
    text = mail.get_body(("plain",)).get_content()
    assert "What was read" in text
    assert "users: 25 of 25" in text
    assert "attempt 2; revision rev-7" in text


def test_the_run_page_shows_the_record_as_it_came_but_for_a_password(world: World) -> None:
    world.configure("students=on")
    run = night(world)
    browser = Client()
    browser.force_login(grant("owner@lincoln.example", Role.OWNER, school=world.lincoln))
    page = browser.get(reverse("run", args=[world.lincoln.pk, run.pk])).content.decode()
    assert "rev-7" in page
    assert "As the SIS sent it" in page
    assert "opensesame" not in page
    assert '"sourcedId": "u000"' in changes(run)[0]["record"]
    assert "opensesame" not in changes(run)[0]["record"]
