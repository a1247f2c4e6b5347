"""Versions of the settings: who, when, before and after, roll back; and two owners who save at once."""

import pytest
from django.test import Client

from homeroom.campus.connections.policy import change_settings, settings_of, words_of
from homeroom.campus.connections.policy_history import SettingsMoved, history, latest, words_back
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import student
from tests.postbox import Postbox

EVERY_KIND = (
    "students=on,staff.keep=email,grade,teachers.hold.add.percent=7.5,hold.count=none,hold.small=4,grace.runs=3,grace.days=2,"
    "approve.second=9,pause=2026-12-21..2027-01-03,year.end=06-12,matching=email,enabled=on,time=03:15,notify=a@b.example"
)


def test_each_change_is_kept_with_who_and_when_and_can_be_rolled_back(world: World) -> None:
    link, by = world.link(), Account.objects.create_user("r.diaz@lincoln.example")
    change_settings(link, ["students=on", "hold.count=30"], world.now, by)
    first = settings_of(link)
    change_settings(
        link, ["pause=2026-12-21..2027-01-03,2027-06-12..2027-08-15", "staff.keep=email,grade"], world.now
    )
    newest, older, began = history(link)
    assert newest["changed"]["staff.keep"] == ["none", "email,grade"]
    assert (older["by"], older["changed"]) == (
        "r.diaz@lincoln.example",
        {"students": ["off", "on"], "hold.count": ["25", "30"]},
    )
    assert began["note"] == "as it began"
    change_settings(link, words_back(link, 1) or (), world.now, by, note="rolled back to version 1")
    assert settings_of(link) == first
    assert latest(link) == 3
    assert change_settings(link, ["students=on"], world.now) == {}
    assert latest(link) == 3


def test_the_words_of_all_settings_set_them_all_again(world: World) -> None:
    link = world.link()
    change_settings(
        link, EVERY_KIND.replace(",", " ").replace("email grade", "email,grade").split(), world.now
    )
    said, words = settings_of(link), words_of(link)
    change_settings(link, [f"{name}={word}" for name, word in words.items()], world.now)
    assert (settings_of(link), latest(link)) == (said, 1)


def test_of_two_who_save_at_once_the_second_is_told_and_nothing_of_theirs_is_saved(world: World) -> None:
    link, first = world.link(), Account.objects.create_user("a@lincoln.example")
    change_settings(link, ["students=on"], world.now, first, seen=0)
    with pytest.raises(SettingsMoved, match="saved other settings"):
        change_settings(link, ["students=off"], world.now, seen=0)
    assert settings_of(world.link())["students"] is True


def test_what_schools_share_is_a_version_of_each_and_a_page_of_before_is_told(world: World) -> None:
    lincoln, oakwood = world.link(), world.connection.links.get(school=world.oakwood)
    change_settings(lincoln, ["births=on", "students=on"], world.now)
    newest = history(oakwood)[0]
    assert newest["changed"] == {"births": ["off", "on"]}
    assert newest["note"] == "set at Lincoln High, which shares the connection"
    with pytest.raises(SettingsMoved, match="saved other settings"):
        change_settings(oakwood, ["births=off"], world.now, seen=0)
    assert settings_of(world.link())["births"] is True
    change_settings(lincoln, ["students=off"], world.now)
    assert latest(oakwood) == 1


def test_the_page_shows_the_versions_and_rolls_back(trusting: World) -> None:
    grant("owner@lincoln.example", Role.OWNER, school=trusting.lincoln)
    owner = Client()
    owner.force_login(Account.objects.get(email="owner@lincoln.example"))
    path = f"/schools/{trusting.lincoln.pk}/rostering/settings/history/"
    assert "Students: Archive: off → on" in owner.get(path).content.decode()
    assert owner.post(path, {"version": "99"}).status_code == 404
    owner.post(path, {"version": "0"})
    assert settings_of(trusting.link())["students.archive"] is False
    assert history(trusting.link())[0]["by"] == "owner@lincoln.example"


def test_the_mail_tells_what_was_changed_since_the_last_run(trusting: World, mails: Postbox) -> None:
    trusting.configure("notify=owner@lincoln.example")
    trusting.night([student("a")])
    trusting.now = trusting.now.replace(hour=7)
    trusting.configure("students.archive=off")
    trusting.night([student("a")])
    text = mails.mails[-1].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "students.archive: on → off (command line" in text
