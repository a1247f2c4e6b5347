"""A hold says what it probably is; approving it may leave people out, may take two people, and is refused when it is late."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from homeroom.campus.people.models import Contact, Membership, Person
from homeroom.campus.runs.by_hand.decide import CannotDecide, approve, discard
from homeroom.campus.runs.by_hand.second import SecondNeeded
from homeroom.campus.runs.lock import AlreadyRunning
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.telling.describe import describe
from homeroom.campus.runs.telling.timeline import timeline
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role
from homeroom.sync.roster import SourceRole
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import LINCOLN, OAKWOOD, adult, family, student
from tests.postbox import Postbox

MANY = [student(f"s{number:02d}", grade="12" if number < 10 else "09") for number in range(40)]


def owner(name: str) -> Account:
    return Account.objects.create_user(f"{name}@lincoln.example")


def page_owner(world: World) -> Client:
    grant("pages@lincoln.example", Role.OWNER, school=world.lincoln)
    client = Client()
    client.force_login(Account.objects.get(email="pages@lincoln.example"))
    return client


def person(id_: str) -> int:
    return Person.objects.get(number=f"n-{id_}").pk


def held(world: World) -> Run:
    world.night(MANY)
    return world.night(MANY[10:])


def test_graduates_are_told_with_the_evidence_on_the_page_in_json_and_in_the_mail(
    trusting: World, mails: Postbox
) -> None:
    trusting.configure("year.end=05-29", "notify=owner@lincoln.example")
    said = describe(held(trusting), trusting.lincoln)["held"]
    (cause,) = said["holds"][0]["causes"]
    assert cause["code"] == "graduates"
    assert cause["says"].startswith("10 of 10 are in grade 12, the highest of this school")
    assert (said["waiting"], said["counts"]) == ({"archive": 10}, {"students": 10})
    text = mails.mails[-1].get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert "10 of 10 are in grade 12" in text
    assert "10 to be archived (held)" in text


def test_new_ids_for_old_names_look_like_a_rekey(trusting: World) -> None:
    trusting.night(MANY)
    again = [replace(one, sourced_id=f"x-{one.sourced_id}", number="", email="") for one in MANY]
    said = describe(trusting.night(again), trusting.lincoln)["held"]
    (cause,) = said["holds"][0]["causes"]
    assert cause["code"] == "rekey"
    assert "That is what a re-key looks like" in cause["next"]
    assert "New ids in the SIS" in cause["next"]


def test_the_page_of_a_rekey_by_names_alone_shows_the_pairs_and_what_to_do(trusting: World) -> None:
    trusting.night([replace(one, given_name=f"Ana{n}") for n, one in enumerate(MANY)])
    again = [
        replace(
            one, given_name=f"Ana{n}", sourced_id=f"x-{one.sourced_id}", number="", email=f"x{n}@x.example"
        )
        for n, one in enumerate(MANY)
    ]
    run = trusting.night(again)
    client = page_owner(trusting)
    at = f"/schools/{trusting.lincoln.pk}/rostering/runs/{run.pk}/"
    page = client.get(at).content.decode()
    assert f'href="{at}rekey/">New ids in the SIS</a>' in page
    page = client.get(f"{at}rekey/").content.decode()
    assert "40 people would be archived while somebody of the same name is added" in page
    assert "name; the new one has e-mail x0@x.example" in page
    assert client.get(f"{at}rekey/?format=csv").content.decode().count("x-s") == 40
    client.post(f"{at}decide/", {"decision": "discard"})
    assert "Nothing of it waits any more" in client.get(f"{at}rekey/").content.decode()
    plain = trusting.night(MANY)
    at = f"/schools/{trusting.lincoln.pk}/rostering/runs/{plain.pk}/"
    assert "met no re-key" in client.get(f"{at}rekey/").content.decode()


def test_a_role_group_and_a_school_that_vanished_say_so_though_nothing_is_held(trusting: World) -> None:
    oaks = [student("o1", org=OAKWOOD), adult("o2", org=OAKWOOD)]
    trusting.night([*MANY, adult("t"), *oaks])
    run = trusting.night(MANY)
    assert [cause["code"] for cause in describe(run, trusting.lincoln)["causes"]] == ["role_off"]
    assert [cause["code"] for cause in describe(run, trusting.oakwood)["causes"]] == ["whole_school"]


def test_all_but_some_are_archived_and_those_left_out_stay_for_good(trusting: World) -> None:
    run = held(trusting)
    approve(run, owner("a"), trusting.clock, trusting.lincoln, but=[person("s00")])
    assert trusting.active() == {"s00"} | {f"s{n:02d}" for n in range(10, 40)}
    left = Change.objects.get(run=run, subject_id=person("s00"))
    assert (left.state, left.reason) == (
        "discarded",
        "left out of the approval: stays, and no sync archives them; no longer in the SIS for this school",
    )
    assert trusting.night(MANY[10:]).counts["archive"] == 0
    assert "s00" in trusting.active()
    trusting.night([MANY[0], *MANY[10:]])  # back in the SIS: in the sync's care again
    assert Membership.objects.get(person=person("s00")).managed_by == trusting.connection.pk


def test_only_some_are_archived_and_the_rest_goes_on_waiting(trusting: World) -> None:
    run = held(trusting)
    done = approve(run, owner("a"), trusting.clock, trusting.lincoln, only=[person("s00"), person("s01")])
    assert done.state == "held"
    assert trusting.active() == {f"s{n:02d}" for n in range(2, 40)}
    assert describe(done, trusting.lincoln)["held"]["waiting"] == {"archive": 8}
    assert approve(done, owner("b"), trusting.clock, trusting.lincoln).state == "done"
    assert len(trusting.active()) == 30


def test_when_everybody_is_left_out_there_is_nothing_to_approve(trusting: World) -> None:
    run = held(trusting)
    with pytest.raises(CannotDecide, match="Discard it instead"):
        approve(run, None, trusting.clock, but=[person(f"s{n:02d}") for n in range(10)])


def test_somebody_new_who_is_left_out_leaves_nothing_behind(trusting: World) -> None:
    trusting.night(MANY)
    trusting.configure("hold.add.count=1")
    both = replace(student("n1"), roles=(SourceRole("student", LINCOLN), SourceRole("student", OAKWOOD)))
    guardian, other = adult("g1", "parent"), adult("g2", "parent")
    run = trusting.night(
        [*MANY, *family(both, guardians=[guardian]), *family(student("n2"), guardians=[other])]
    )
    new = Change.objects.get(run=run, sourced_id="n1", new=True).subject_id
    done = approve(run, None, trusting.clock, trusting.lincoln, but=[new])
    assert done.state == "done"
    assert "n2" in trusting.active()
    assert not Person.objects.filter(pk=new).exists()
    assert Contact.objects.count() == 1


def test_a_large_removal_takes_two_people_who_approve_the_same(trusting: World) -> None:
    trusting.configure("approve.second=5")
    run, first, second = held(trusting), owner("a"), owner("b")
    for _ in range(2):
        with pytest.raises(SecondNeeded, match="10 removals at Lincoln High need a second person"):
            approve(run, first, trusting.clock, trusting.lincoln)
    with pytest.raises(SecondNeeded):  # another selection is another approval
        approve(run, second, trusting.clock, trusting.lincoln, but=[person("s00")])
    assert len(trusting.active()) == 40
    assert approve(run, first, trusting.clock, trusting.lincoln).state == "done"
    assert len(trusting.active()) == 31


def test_a_hold_from_under_other_settings_cannot_be_approved(trusting: World) -> None:
    run = held(trusting)
    trusting.configure("students.archive=off")
    with pytest.raises(CannotDecide, match="Sync Settings of Lincoln High are not those"):
        approve(run, None, trusting.clock)
    assert discard(run, None, trusting.clock).state == "done"


def test_a_newer_complete_run_makes_an_older_hold_moot(trusting: World) -> None:
    old = held(trusting)
    trusting.night(MANY)
    old.refresh_from_db()
    assert old.state == "done"
    assert set(Change.objects.filter(run=old, action="archive").values_list("state", flat=True)) == {
        "discarded"
    }
    with pytest.raises(CannotDecide, match="Nothing of run"):
        approve(old, None, trusting.clock)


def test_why_an_old_hold_was_planned_and_what_became_of_it_stay_to_be_read(trusting: World) -> None:
    old = held(trusting)
    newer = trusting.night(MANY)
    moot = f"not carried out: run {newer.pk} is newer and complete, and planned anew"
    reasons = set(Change.objects.filter(run=old, action="archive").values_list("reason", flat=True))
    assert reasons == {f"{moot}; no longer in the SIS for this school"}
    event = next(
        e
        for e in timeline(Person.objects.get(number="n-s00"))
        if e["run"] == old.pk and e["kind"] == "change"
    )
    assert (event["state_words"], event["reason"]) == ("not carried out", reasons.pop())
    old.refresh_from_db()
    (was,) = describe(old, trusting.lincoln)["was_held"]
    assert was["reason"].startswith("10 of 40 students would be archived")
    assert was["became"] == f"10 {moot}"
    page = (
        page_owner(trusting).get(f"/schools/{trusting.lincoln.pk}/rostering/runs/{old.pk}/").content.decode()
    )
    assert "Was held:</strong> 10 of 40 students would be archived" in page
    assert f"10 {moot}." in page


def test_a_hold_that_was_decided_says_by_whom(trusting: World) -> None:
    run = held(trusting)
    approve(run, owner("a"), trusting.clock, trusting.lincoln, but=[person("s00")])
    (was,) = describe(run, trusting.lincoln)["was_held"]
    assert was["became"] == "9 approved by a@lincoln.example, 1 left out by a@lincoln.example"
    again = trusting.night(MANY[20:])
    assert describe(again, trusting.lincoln)["was_held"] == []
    discard(again, None, trusting.clock)
    (was,) = describe(again, trusting.lincoln)["was_held"]
    assert was["became"] == "10 discarded by the command line"


def test_of_two_owners_who_decide_at_once_one_decides_and_the_other_is_told(trusting: World) -> None:
    run = held(trusting)
    barrier, came = Barrier(2), {}

    def decide(who: Account) -> None:
        mine = Run.objects.select_related("connection").get(pk=run.pk)
        barrier.wait()
        try:
            came[who.email] = approve(mine, who, trusting.clock, trusting.lincoln).state
        except (CannotDecide, AlreadyRunning) as late:
            came[who.email] = type(late).__name__
        finally:
            connection.close()

    threads = [Thread(target=decide, args=(owner(name),), daemon=True) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(came.values()) == "done"
    assert min(came.values()) in ("AlreadyRunning", "CannotDecide")
    decided = Change.objects.filter(run=run, action="archive").values_list("state", "decided_by__email")
    winner = next(email for email, what in came.items() if what == "done")
    assert set(decided) == {("applied", winner)}
    with pytest.raises(CannotDecide, match=f"{winner} approved it at"):
        approve(run, None, trusting.clock)
