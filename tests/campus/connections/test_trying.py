"""Test Connection on its page: it goes on beside it, its answer is the school's own, and nobody's name is kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.source import open_source
from homeroom.campus.connections.trying import LONGEST, begin, is_under_way, try_now
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.reading import SourceFailed
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.wire.certificates import authority
from tests.wire.misbehaving import Answer, Asked, Server, server, user

PEOPLE = [
    *(user(number, email=f"u{number}@lincoln.example") for number in range(8)),
    user(9, role="teacher", givenName="Kofi", familyName="Stone"),
]


@pytest.fixture
def sis() -> Iterator[Server]:
    with server(PEOPLE) as at:
        yield at


def connected(world: World, at: Server, **more: Any) -> RosterLink:
    Connection.objects.update(url=at.address, key="key", secret="tell-nobody", **more)
    RosterLink.objects.filter(school=world.lincoln).update(school_id_typed="004", org="")
    return world.link()


@pytest.fixture
def owner(world: World) -> Client:
    return signed_in(world, world.lincoln)


def signed_in(world: World, school: Any) -> Client:
    email = f"owner-{school.pk}@lincoln.example"
    grant(email, Role.OWNER, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def test_the_answer_and_what_was_learnt_are_kept_and_nobody_s_name(world: World, sis: Server) -> None:
    link = connected(world, sis)
    assert try_now(link).ok
    kept = RosterLink.objects.get(pk=link.pk)
    assert (kept.org, kept.test["ok"], kept.test["under_way"]) == ("org-lincoln", True, False)
    assert kept.tested_at is not None
    assert world.link().connection.profile["base_url"] == sis.base
    assert len(kept.test["sample"]) == 5
    assert not {"Ana", "Lopez", "Kofi", "Stone", "u1@"} & set(json.dumps(kept.test).replace('"', " ").split())
    assert "Lopez" not in json.dumps(kept.test)


def test_the_answer_of_one_school_is_not_shown_to_another_of_the_same_connection(
    world: World, sis: Server
) -> None:
    try_now(connected(world, sis))
    page = signed_in(world, world.oakwood).get(f"/schools/{world.oakwood.pk}/rostering/").content.decode()
    assert "org-lincoln" not in page
    assert 'id="answer"' not in page


def test_a_long_test_is_followed_on_the_page_and_ends_there(
    world: World, owner: Client, settings: Any
) -> None:
    settings.TEST_PATIENCE = 0.05
    go_on = Event()

    def slow(asked: Asked, answer: Answer) -> Answer:
        if asked.path.endswith("/users"):
            go_on.wait(20)
        return answer

    path = f"/schools/{world.lincoln.pk}/rostering/"
    with server(PEOPLE, slow) as at:
        said = {
            "method": "oneroster_api",
            "sis": "other",
            "url": at.address,
            "key": "k",
            "secret": "s",
            "school_id": "004",
        }
        page = owner.post(path, said, follow=True).content.decode()
        assert "Asking the SIS, point by point" in page
        assert 'hx-trigger="every 1s"' in page
        assert "The test goes on below" in page
        so_far = owner.get(f"{path}test/", headers={"HX-Request": "true"})
        assert "HX-Refresh" not in so_far
        go_on.set()
        wait_until(lambda: not world.link().test["under_way"])
        done = owner.get(f"{path}test/", headers={"HX-Request": "true"})
        assert done["HX-Refresh"] == "true"
        assert "The connection works" in owner.get(path).content.decode()


def wait_until(true: Any, seconds: float = 20) -> None:
    import time

    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_of_two_tests_the_one_begun_later_counts(world: World, sis: Server) -> None:
    link = connected(world, sis)
    begin(link)
    first = dict(world.link().test)
    RosterLink.objects.filter(pk=link.pk).update(
        test={"mark": "later", "begun": timezone.now().isoformat(), "checks": []}
    )
    from homeroom.campus.connections import trying
    from homeroom.sync.reading import ConnectionTest

    trying._answered(link, first["mark"], ConnectionTest(()), timezone.now())
    assert world.link().test["mark"] == "later"


def test_a_test_that_was_cut_off_says_so(world: World, owner: Client, sis: Server) -> None:
    link = connected(world, sis)
    begun = (timezone.now() - LONGEST).isoformat()
    RosterLink.objects.filter(pk=link.pk).update(
        test={"mark": "x", "begun": begun, "under_way": True, "checks": []}
    )
    assert not is_under_way(world.link(), timezone.now())
    page = owner.get(f"/schools/{world.lincoln.pk}/rostering/").content.decode()
    assert "The test was cut off" in page
    assert "every 1s" not in page


def test_names_are_asked_for_again_and_kept_nowhere(world: World, owner: Client, sis: Server) -> None:
    try_now(connected(world, sis))
    path = f"/schools/{world.lincoln.pk}/rostering/"
    assert "Kofi Stone" not in owner.get(path).content.decode()
    answer = owner.get(f"{path}test/people/")
    assert "Kofi Stone" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert "Stone" not in json.dumps(world.link().test)


def test_each_failing_point_has_a_message_to_copy(world: World, owner: Client) -> None:
    def refuse(asked: Asked, answer: Answer) -> Answer:
        return Answer(401, b'{"error": "invalid_client"}') if asked.method == "POST" else Answer(401)

    with server(PEOPLE, refuse) as at:
        try_now(connected(world, at))
        page = owner.get(f"/schools/{world.lincoln.pk}/rostering/").content.decode()
    assert "Copy message" in page
    assert f"Hello, we connect Homeroom to the OneRoster API at {at.address}." in page
    assert "generate a new key and secret for us" in page
    assert "Schools: Not tried: it needs “Key and secret”" in page
    assert "tell-nobody" not in page


def test_what_a_sync_learns_anew_is_kept_with_the_connection(world: World, sis: Server) -> None:
    link = connected(
        world,
        sis,
        profile={"version": "1.1", "base_url": f"{sis.address}/moved/away", "token_url": sis.address},
    )
    open_source(link.connection).orgs()
    kept = Connection.objects.get().profile
    assert kept["base_url"] == sis.base
    assert "no longer answered as before" in kept["learnt_by"]


def test_once_people_were_read_in_a_version_a_test_looks_for_no_other(world: World) -> None:
    """The newer version has other ids: taken unasked, it would bring everybody in a second time."""
    from homeroom.campus.connections.models import SourceRecord

    def both(asked: Asked, answer: Answer) -> Answer:
        newer = b'{"orgs": [{"sourcedId": "other-id", "name": "Lincoln High", "type": "school", "identifier": "004"}]}'
        return Answer(200, newer) if asked.path == "/ims/oneroster/rostering/v1p2/orgs" else answer

    with server(PEOPLE, both) as at:
        link = connected(world, at, profile={"version": "1.1", "base_url": at.base})
        assert try_now(link).profile["version"] == "1.2"  # nobody was read yet
        Connection.objects.update(profile={"version": "1.1", "base_url": at.base})
        SourceRecord.objects.create(connection=link.connection, sourced_id="u001")
        assert try_now(world.link()).profile["version"] == "1.1"
        Connection.objects.update(url=f"{at.address}/ims/oneroster/rostering/v1p2")  # unless it is typed
        assert try_now(world.link()).profile["version"] == "1.2"


def test_a_ca_file_is_trusted_in_tests_and_in_syncs(world: World, tmp_path: Path) -> None:
    ours = authority()
    with server(PEOPLE, tls=ours.context(tmp_path, "localhost")) as at:
        url = at.address.replace("http://127.0.0.1", "https://localhost")
        connected(world, at, ca_certificates=ours.pem)
        Connection.objects.update(url=url)
        assert try_now(world.link()).ok
        assert len(open_source(world.link().connection).orgs()) == 1
        Connection.objects.update(ca_certificates="")
        assert [c.name for c in try_now(world.link()).checks if c.ok is False] == ["tls"]
        with pytest.raises(SourceFailed, match="certificate is not one we can trust"):
            open_source(world.link().connection).orgs()


def test_hosted_an_address_inside_is_refused_before_anything_is_sent(
    world: World, sis: Server, settings: Any
) -> None:
    settings.HOSTED = True
    answer = try_now(connected(world, sis))
    assert not answer.ok
    assert sis.asked == []
    assert "not an address of the public internet" in next(c.detail for c in answer.checks if c.ok is False)
