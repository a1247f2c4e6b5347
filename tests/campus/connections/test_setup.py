"""What an owner types on the set-up page, and to whom key and secret may go because of it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from homeroom.campus.connections.forms import SetUpForm
from homeroom.campus.connections.models import Connection, RosterLink
from homeroom.campus.connections.setup import Typed, save
from homeroom.oneroster.profile import Profile
from tests.campus.world import World
from tests.wire.certificates import authority

BASE = {"method": "oneroster_api", "sis": "other", "key": "key", "school_id": "004"}


def form(link: RosterLink | None, files: Any = None, **said: str) -> SetUpForm:
    return SetUpForm({**BASE, **said}, files, link=link)


def saved(world: World, url: str, **said: str) -> RosterLink:
    """The set-up page, sent once."""
    link = RosterLink.objects.filter(school=world.lincoln).select_related("connection").first()
    filled = form(link, url=url, **{"secret": "secret", **said})
    assert filled.is_valid(), filled.errors
    return save(world.lincoln, filled.typed())


def test_consent_to_plain_http_is_for_the_host_and_falls_with_it(world: World) -> None:
    here, there = "http://sis.lincoln.example/api", "http://other.example/api"
    assert saved(world, here).connection.plain_http_host == ""
    assert saved(world, here, plain_http="on").connection.plain_http_host == "sis.lincoln.example"
    assert (
        saved(world, f"{here}/ims/oneroster", plain_http="on").connection.plain_http_host
        == "sis.lincoln.example"
    )
    moved = form(world.link(), url=there, secret="secret", plain_http="on")  # the tick was still there
    assert moved.is_valid()
    assert moved.consent_fell == "sis.lincoln.example"
    assert save(world.lincoln, moved.typed()).connection.plain_http_host == ""
    assert saved(world, there, plain_http="on").connection.plain_http_host == "other.example"
    assert saved(world, there).connection.plain_http_host == ""


def test_nobody_s_consent_is_for_a_host_that_is_not_in_the_address(world: World) -> None:
    typed = Typed("http://sis.lincoln.example", "k", "s", "004", plain_http_host="other.example")
    assert save(world.lincoln, typed).connection.plain_http_host == ""


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"url": "https://sis.lincoln.example/other/path"}, False),
        ({"url": "https://SIS.lincoln.example:8443/"}, False),
        ({"url": "https://id.lincoln.example/"}, False),  # a host that has had the secret before
        ({"url": "https://evil.example/ims/oneroster/v1p1"}, True),
        ({"token_url": "https://evil.example/token"}, True),
        ({"token_url": "evil.example/token"}, True),
        ({"token_url": "/oauth/token"}, False),
    ],
)
def test_a_stored_secret_goes_to_no_new_host(world: World, change: dict[str, str], asked: bool) -> None:
    """Whoever may change the address, and does not know the secret, must not be able to have it sent to them."""
    url, token_url = "https://sis.lincoln.example/ims/oneroster/v1p1", "https://id.lincoln.example/token"
    saved(world, url, token_url=token_url)
    filled = form(world.link(), **{"url": url, "token_url": token_url, "secret": "", **change})
    assert filled.is_valid() is not asked
    assert ("secret" in filled.errors) is asked
    assert form(world.link(), **{"url": url, "token_url": token_url, **change, "secret": "again"}).is_valid()


def test_a_ca_file_is_taken_as_a_file_or_as_text_and_kept(world: World) -> None:
    pem, url = authority("Riverside CA").pem, "https://sis.lincoln.example"
    filled = form(world.link(), {"ca_file": SimpleUploadedFile("ca.pem", pem.encode())}, url=url, secret="s")
    assert filled.is_valid(), filled.errors
    assert save(world.lincoln, filled.typed()).connection.ca_certificates == pem
    assert saved(world, url, ca_certificates=pem).connection.ca_certificates == pem
    assert saved(world, url).connection.ca_certificates == ""


@pytest.mark.parametrize(
    "content", [b"words", b"\x30\x82\x01", b"x" * 200_000, authority().pem.encode()[:300]]
)
def test_a_wrong_ca_file_is_refused_with_a_reason_at_its_field(world: World, content: bytes) -> None:
    filled = form(
        world.link(), {"ca_file": SimpleUploadedFile("ca", content)}, url="https://s.example", secret="s"
    )
    assert list(filled.errors) == ["ca_file"]


def test_a_school_that_joins_a_connection_changes_in_it_only_what_was_typed(world: World) -> None:
    Connection.objects.all().update(
        url="https://sis.example", key="key", token_url="https://id.example/t", ca_certificates="PEM"
    )
    world.link(world.oakwood).delete()
    link = save(world.oakwood, Typed("https://sis.example", "key", "secret", "006"))
    assert link.connection_id == world.connection.pk
    assert (link.connection.token_url, link.connection.ca_certificates) == ("https://id.example/t", "PEM")


def test_a_changed_address_is_found_anew(world: World) -> None:
    saved(world, "https://sis.example")
    Connection.objects.update(profile={"version": "1.1", "base_url": "https://sis.example/x"})
    assert saved(world, "https://sis.example", secret="").connection.profile
    moved = saved(world, "https://sis.example", secret="", token_url="/token")
    assert moved.connection.profile == {"version": "1.1"}  # in which its people were read
    assert Profile.from_json(moved.connection.profile) is None


def test_fields_are_called_what_the_sis_calls_them(world: World) -> None:
    assert SetUpForm({**BASE, "sis": "powerschool"}, link=None).fields["key"].label == "API Key (Client ID)"
    assert SetUpForm({**BASE}, link=None).fields["key"].label == "API Key"
