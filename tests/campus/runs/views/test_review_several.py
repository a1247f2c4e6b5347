"""Many questions of Rostering > Review in one act: narrowed, ticked, shown once more by name, kept, and taken back one by one."""

import re
from dataclasses import replace

import pytest
from django.test import Client

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change, MatchReview
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.sync.roster import SourcePerson
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import adult, student

RENAMED = "its number is that of a person with quite another name"
OTHER_NUMBER = "its e-mail is that of a person with another number"


def here(world: World, school: School | None = None, **fields: str) -> Person:
    """Somebody who was set up before there was a SIS."""
    person = Person.objects.create(
        district=world.district, **{"given_name": "Bo", "family_name": "Roy", **fields}
    )
    place = school or world.lincoln
    Membership.objects.create(
        district=world.district, person=person, school=place, group="students", started_at=world.now
    )
    return person


def told(world: World, count: int = 25) -> list[SourcePerson]:
    """So many students with somebody's number, two with somebody's e-mail, and one with two candidates."""
    for n in range(count):
        here(world, number=f"n-p{n:02d}")
    for n in range(2):
        here(world, number=f"9{n}", email=f"e{n}@lincoln.example")
    here(world, number="n-two")
    here(world, number="n-two")
    more = [student(f"e{n}", given_name=f"Noor{n}") for n in range(2)]
    return [*(student(f"p{n:02d}") for n in range(count)), *more, student("two"), adult("t")]


@pytest.fixture
def owner(trusting: World) -> Client:
    return signed_in("owner@lincoln.example", trusting.lincoln)


def signed_in(email: str, school: School, role: Role = Role.OWNER) -> Client:
    grant(email, role, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def at(world: World, more: str = "") -> str:
    return f"/schools/{world.lincoln.pk}/rostering/review/{more}"


def ids(*sourced: str) -> list[int]:
    return list(
        MatchReview.objects.filter(sourced_id__in=sourced).order_by("pk").values_list("pk", flat=True)
    )


def states() -> dict[str, int]:
    found = list(MatchReview.objects.values_list("state", flat=True))
    return {state: found.count(state) for state in set(found)}


def asked_once_more(client: Client, path: str, **posted: object) -> dict[str, object]:
    """What the page that asks once more would post."""
    page = client.post(path, posted).content.decode()
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert digest, page
    picks = re.findall(r'name="pick" value="(\d+)"', page)
    return {
        "verdict": posted["verdict"],
        "digest": digest[1],
        "pick": picks,
        **({"all": "1"} if posted.get("all") else {}),
    }


def test_the_list_is_narrowed_by_reason_sign_role_and_name(trusting: World, owner: Client) -> None:
    trusting.night(told(trusting))
    page = owner.get(at(trusting)).content.decode()
    assert f"{RENAMED[:1].upper()}{RENAMED[1:]} (25)" in page
    for query, count in (
        (f"why={RENAMED}", 25), (f"why={OTHER_NUMBER}", 2), ("sign=email", 2), ("sign=number", 26), ("role=teachers", 0),
        ("role=students", 28), ("q=noor1", 1), ("q=p03", 1), ("q=e1@lincoln.example", 1), (f"why={RENAMED}&q=p03", 1),
    ):  # fmt: skip
        csv = owner.get(at(trusting, f"?{query}&format=csv")).content.decode()
        assert csv.count("\r\n") == count + 1, query
    narrow = owner.get(at(trusting, f"?why={RENAMED}")).content.decode()
    assert 'All 25 that fit<span class="visually-hidden">, on every page' in narrow
    assert "25 waiting that fit" in narrow
    assert "why=its+number" in narrow


def test_the_ticked_are_shown_by_name_then_kept_in_one_act(trusting: World, owner: Client) -> None:
    people = told(trusting)
    trusting.night(people)
    picked = ids("p00", "p01", "e0")
    page = owner.post(at(trusting, "several/"), {"verdict": "different", "pick": picked}).content.decode()
    assert "Decide 3 records at once" in page
    assert "the next sync adds somebody new for each record" in page
    assert "Different people: keep for 3" in page
    for name in ("Ana Lopez p00", "Ana Lopez p01", "Noor0 Lopez e0", "Bo Roy"):
        assert name in page
    assert states() == {"open": 28}
    posted = asked_once_more(owner, at(trusting, "several/"), verdict="different", pick=picked)
    page = owner.post(at(trusting, "several/"), posted, follow=True).content.decode()
    assert "Kept for 3 records: different people" in page
    assert states() == {"open": 25, "different": 3}
    assert set(MatchReview.objects.filter(state="different").values_list("decided_by__email", flat=True)) == {
        "owner@lincoln.example"
    }
    before = Person.objects.count()
    trusting.night(people)
    assert Person.objects.count() == before + 3


def test_everything_that_fits_is_decided_on_every_page(trusting: World, owner: Client) -> None:
    people = told(trusting)
    trusting.night(people)
    path = at(trusting, f"several/?why={RENAMED}")
    posted = asked_once_more(owner, path, verdict="same", all="1")
    assert "Kept for 25 records: same person" in owner.post(path, posted, follow=True).content.decode()
    assert states() == {"same": 25, "open": 3}
    trusting.night(people)
    linked = SourceRecord.objects.filter(
        sourced_id__startswith="p", person__given_name="Bo", person__family_name="Roy"
    )
    assert linked.count() == 0  # their names are those of the SIS now
    assert Person.objects.filter(source_records__sourced_id="p00", number="n-p00").count() == 1
    assert Person.objects.filter(number="n-p00").count() == 1


def test_what_cannot_be_the_same_in_one_act_is_left_with_its_reason(trusting: World, owner: Client) -> None:
    people = told(trusting, 2)
    here(trusting, trusting.oakwood, number="n-far")
    here(trusting, number="77", email="both@lincoln.example")
    both = [adult(id_, email="both@lincoln.example") for id_ in ("b1", "b2")]
    trusting.night([*people, student("far"), *both])
    page = owner.post(at(trusting, "several/"), {"verdict": "same", "all": "1"}).content.decode()
    assert "4 records at once" in page
    assert "Left for one by one: 4" in page
    for id_, why in (
        ("two", "It might be several people: say which, one by one."),
        ("far", "Whom it might mean is at a school in which you have no part"),
        ("b1", "Several of these records would be the same person"),
        ("b2", "Several of these records would be the same person"),
    ):
        assert re.search(f">{id_}</code>: {why}", page), id_
    posted = asked_once_more(owner, at(trusting, "several/"), verdict="same", all="1")
    owner.post(at(trusting, "several/"), posted)
    assert states() == {"same": 4, "open": 4}
    only = owner.post(at(trusting, "several/"), {"verdict": "same", "pick": ids("two")}).content.decode()
    assert "Nothing of what was chosen can be decided in one act" in only


def test_nothing_is_decided_but_what_was_shown(trusting: World, owner: Client) -> None:
    people = told(trusting, 3)
    trusting.night(people)
    path = at(trusting, "several/")
    posted = asked_once_more(owner, path, verdict="ignore", all="1")
    trusting.night([*people[:-1], replace(people[0], sourced_id="late", number="90", email="x@x.example")])
    page = owner.post(path, posted, follow=True).content.decode()
    assert "The questions have changed since you looked" in page
    assert set(states()) <= {"open", "moot"}
    posted = asked_once_more(owner, path, verdict="ignore", pick=ids("p00", "p01"))
    owner.post(at(trusting, f"{ids('p00')[0]}/"), {"verdict": "different"})
    page = owner.post(path, posted, follow=True).content.decode()
    assert "The questions have changed since you looked" in page
    assert MatchReview.objects.get(sourced_id="p01").state == "open"


def test_nothing_ticked_is_told(trusting: World, owner: Client) -> None:
    trusting.night(told(trusting, 3))
    page = owner.post(at(trusting, "several/"), {"verdict": "ignore"}, follow=True).content.decode()
    assert "Tick the records that you mean" in page
    assert owner.post(at(trusting, "several/"), {"verdict": "merge"}).status_code == 404
    assert owner.get(at(trusting, "several/")).status_code == 405


def test_each_is_taken_back_by_itself_until_it_is_carried_out(trusting: World, owner: Client) -> None:
    people = told(trusting, 3)
    trusting.night(people)
    picked = ids("p00", "p01")
    owner.post(
        at(trusting, "several/"),
        asked_once_more(owner, at(trusting, "several/"), verdict="different", pick=picked),
    )
    decided = owner.get(at(trusting, "?decided=1")).content.decode()
    assert decided.count("Take back") == 2
    page = owner.post(at(trusting, f"{picked[0]}/"), {"verdict": "take back"}, follow=True).content.decode()
    assert "Taken back: it waits for a decision again" in page
    review = MatchReview.objects.get(pk=picked[0])
    assert (review.state, review.decided_by, review.decided_at) == ("open", None, None)
    trusting.night(people)
    assert not SourceRecord.objects.filter(sourced_id="p00", person__isnull=False).exists()
    assert SourceRecord.objects.filter(sourced_id="p01", person__isnull=False).exists()
    page = owner.post(at(trusting, f"{picked[1]}/"), {"verdict": "take back"}, follow=True).content.decode()
    assert "It was carried out already" in page
    assert "Take back" not in owner.get(at(trusting, "?decided=1")).content.decode()


def test_a_plan_by_a_decision_that_was_taken_back_falls_and_says_why_it_was(
    trusting: World, owner: Client
) -> None:
    people = told(trusting, 3)
    trusting.night(people)
    owner.post(at(trusting, f"{ids('p00')[0]}/"), {"verdict": "different"})
    run = trusting.night(people, dry_run=True)
    assert Change.objects.filter(run=run, sourced_id="p00", state="planned").exists()
    owner.post(at(trusting, f"{ids('p00')[0]}/"), {"verdict": "take back"})
    row = Change.objects.get(run=run, sourced_id="p00")
    assert row.state == "discarded"
    assert row.reason.startswith("not carried out: somebody decided otherwise since whom this record means; ")
    assert len(row.reason.split("; ")[1]) > 3


def test_a_stranger_decides_nothing_of_another_school(trusting: World, owner: Client) -> None:
    trusting.night(told(trusting, 3))
    picked = ids("p00", "p01")
    stranger = signed_in("stranger@oakwood.example", trusting.oakwood)
    manager = signed_in("manager@lincoln.example", trusting.lincoln, Role.MANAGER)
    for client in (stranger, manager):
        assert client.post(at(trusting, "several/"), {"verdict": "ignore", "pick": picked}).status_code == 404
    own = f"/schools/{trusting.oakwood.pk}/rostering/review/several/"
    page = stranger.post(own, {"verdict": "ignore", "pick": picked}, follow=True).content.decode()
    assert "Tick the records that you mean" in page
    assert "Lopez" not in page
    assert states() == {"open": 6}
