"""Records that might mean somebody: asked once, decided by a person, remembered, and asked again when facts change."""

from dataclasses import replace

import pytest
from django.test import Client

from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.models import Change, MatchReview
from homeroom.campus.runs.reviews import CannotReview, decide
from homeroom.campus.schools.grants import grant
from homeroom.campus.schools.models import Role, School
from homeroom.sync.matching import Verdict
from homeroom.web.accounts.models import Account
from tests.campus.world import World
from tests.invented import OAKWOOD, adult, student

ANA = student("a", number="7", email="ana@lincoln.example")
OTHERS = [student(f"s{number:02d}") for number in range(5)]


def by_hand(world: World, school: School | None = None, **fields: str) -> Person:
    """Somebody who was set up before there was a SIS."""
    person = Person.objects.create(district=world.district, given_name="Ana", family_name="Lopez", **fields)
    Membership.objects.create(
        district=world.district,
        person=person,
        school=school or world.lincoln,
        group="students",
        started_at=world.now,
    )
    return person


def answer(world: World, verdict: Verdict, person: Person | None = None) -> None:
    by = Account.objects.filter(email="owner@lincoln.example").first()
    by = by or Account.objects.create_user("owner@lincoln.example")
    review = MatchReview.objects.get(state="open")
    decide(review, verdict, by, world.now, person.pk if person else None)


def states() -> list[str]:
    return list(MatchReview.objects.order_by("sourced_id").values_list("state", flat=True))


def test_what_is_contested_is_asked_and_nobody_is_touched(trusting: World) -> None:
    one, other = by_hand(trusting, number="7"), by_hand(trusting, email="ANA@lincoln.example")
    run = trusting.night([ANA, *OTHERS])
    review = MatchReview.objects.get()
    assert (review.state, review.schools) == ("open", [trusting.lincoln.pk])
    assert [(rival["person"], rival["signs"]) for rival in review.rivals] == [
        (one.pk, ["number"]),
        (other.pk, ["email"]),
    ]
    assert run.problems.get(code="ambiguous_match").detail == "2 people share its number or e-mail"
    assert not Change.objects.filter(run=run, sourced_id="a").exists()
    assert len(trusting.active() - {None}) == 5


def test_the_same_person_is_linked_by_the_next_run_and_the_history_says_who_decided(trusting: World) -> None:
    by_hand(trusting, number="7")
    other = by_hand(trusting, email="ana@lincoln.example")
    trusting.night([ANA, *OTHERS])
    answer(trusting, Verdict.SAME, other)
    run = trusting.night([ANA, *OTHERS])
    assert other.source_records.get().sourced_id == "a"
    assert run.counts["problem"] == 0
    reason = Change.objects.filter(run=run, subject_id=other.pk).latest("id").reason
    assert "the same person, decided by owner@lincoln.example" in reason
    assert trusting.night([ANA, *OTHERS]).unchanged == 6
    assert Person.objects.count() == 7


def test_different_people_become_two(trusting: World) -> None:
    one = by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    answer(trusting, Verdict.DIFFERENT)
    trusting.night([ANA, *OTHERS])
    assert not one.source_records.exists()
    assert Person.objects.filter(number="7").count() == 1
    assert trusting.night([ANA, *OTHERS]).unchanged == 6


def test_what_was_ignored_stays_out_until_its_facts_change(trusting: World) -> None:
    by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    answer(trusting, Verdict.IGNORE)
    for told in (ANA, replace(ANA, given_name="Anna", grade="10")):
        run = trusting.night([told, *OTHERS])
        assert (states(), run.counts["problem"]) == (["ignore"], 0)
    trusting.night([replace(ANA, number="77"), *OTHERS])
    assert states() == ["open"]
    assert Person.objects.count() == 6


def test_a_changed_person_asks_again_too(trusting: World) -> None:
    one = by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    answer(trusting, Verdict.IGNORE)
    Person.objects.filter(pk=one.pk).update(number="66")
    trusting.night([ANA, *OTHERS])
    assert states() == ["open"]


def test_a_question_falls_when_a_complete_reading_no_longer_asks_it(trusting: World) -> None:
    by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    trusting.night([replace(ANA, email="new@lincoln.example"), *OTHERS], trouble="it was cut")
    assert states() == ["open"]
    trusting.night([replace(ANA, email="new@lincoln.example"), *OTHERS])
    assert (states(), MatchReview.objects.get().said) == (["moot"], {})


def test_a_dry_run_asks_and_what_is_decided_on_it_holds_for_the_run_that_follows(trusting: World) -> None:
    twice = [adult("r1", email="k@x.example"), adult("r2", email="k@x.example", org=OAKWOOD)]
    trusting.night(twice, dry_run=True)
    answer(trusting, Verdict.SAME)
    trusting.night(twice)
    assert Person.objects.count() == 1
    assert Membership.objects.filter(ended_at=None).count() == 2
    assert trusting.night(twice).unchanged == 2


def test_a_teacher_with_two_records_and_one_address_is_asked_about_and_one_of_them_works_at_once(
    trusting: World,
) -> None:
    twice = [adult("r1", email="k@x.example"), adult("r2", email="k@x.example", org=OAKWOOD)]
    trusting.night(twice)
    assert (Person.objects.count(), states()) == (1, ["open"])


def test_an_owner_orders_the_rules_and_switches_them_off(trusting: World) -> None:
    one = by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.configure("matching=email,number")
    trusting.night([ANA, *OTHERS])
    assert one.source_records.get().sourced_id == "a"
    trusting.configure("matching=none")
    trusting.night([ANA, student("b", number="7", email="other@lincoln.example"), *OTHERS])
    assert Person.objects.filter(number="7").count() == 2


def test_the_order_in_which_records_come_changes_nothing(trusting: World) -> None:
    by_hand(trusting, number="7", email="ana@lincoln.example")
    told = [ANA, student("b", number="7"), student("c", number="9", org=OAKWOOD), student("d", number="9")]
    plans = []
    for order in (told, told[::-1], [*told[2:], *told[:2]]):
        run = trusting.night(order, dry_run=True)
        rows = Change.objects.filter(run=run).order_by("id").values_list("action", "sourced_id", "reason")
        plans.append((list(rows), list(MatchReview.objects.values_list("sourced_id", "facts"))))
    assert plans[0] == plans[1] == plans[2]


def test_stale_and_unknown_answers_are_refused(trusting: World) -> None:
    one, other = by_hand(trusting, number="7"), by_hand(trusting, number="9", email="ana@lincoln.example")
    trusting.night([ANA, *OTHERS])
    seen = MatchReview.objects.get()
    with pytest.raises(CannotReview, match=f"by id: {one.pk}, {other.pk}"):
        decide(seen, Verdict.SAME, None, trusting.now)
    with pytest.raises(CannotReview, match="by id"):
        decide(seen, Verdict.SAME, None, trusting.now, 4711)
    trusting.night([replace(ANA, number="8"), *OTHERS])
    with pytest.raises(CannotReview, match="facts have changed"):
        decide(seen, Verdict.IGNORE, None, trusting.now)


# The page.


@pytest.fixture
def owner(trusting: World) -> Client:
    return signed_in("owner@lincoln.example", trusting.lincoln)


def signed_in(email: str, school: School) -> Client:
    grant(email, Role.OWNER, school=school)
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def test_both_are_shown_side_by_side_and_a_press_decides(trusting: World, owner: Client) -> None:
    by_hand(trusting, number="7", phone="555-0100")
    other = by_hand(trusting, email="ana@lincoln.example")
    trusting.night([ANA, *OTHERS])
    path = f"/schools/{trusting.lincoln.pk}/rostering/review/"
    page = owner.get(path).content.decode()
    for said in (
        "2 people share its number or e-mail",
        "555-0100",
        "Same person",
        "Different people",
        "Ignore",
    ):
        assert said in page
    review = MatchReview.objects.get()
    posted = {"verdict": "same", "person": other.pk, "facts": review.facts.hex()}
    owner.post(f"{path}{review.pk}/", posted)
    assert states() == ["same"]
    assert "Nothing waits" in owner.get(path).content.decode()
    assert "Decided by owner@lincoln.example" in owner.get(path + "?decided=1").content.decode()
    assert "Ana Lopez (e-mail)" in owner.get(path + "?decided=1&format=csv").content.decode()


def test_what_was_shown_is_what_is_decided(trusting: World, owner: Client) -> None:
    by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    review = MatchReview.objects.get()
    path = f"/schools/{trusting.lincoln.pk}/rostering/review/{review.pk}/"
    page = owner.post(path, {"verdict": "different", "facts": "00"}, follow=True).content.decode()
    assert "The facts have changed since you looked" in page
    assert states() == ["open"]


def test_a_person_of_another_school_is_not_shown_and_not_chosen(trusting: World, owner: Client) -> None:
    by_hand(trusting, trusting.oakwood, number="6", email="ana@lincoln.example", phone="555-0199")
    trusting.night([ANA, *OTHERS])
    path = f"/schools/{trusting.lincoln.pk}/rostering/review/"
    review = MatchReview.objects.get()
    page = owner.get(path).content.decode()
    assert "somebody at Oakwood" in page
    assert "555-0199" not in page
    assert "somebody at Oakwood" in owner.get(path + "?format=csv").content.decode()
    page = owner.post(f"{path}{review.pk}/", {"verdict": "same"}, follow=True).content.decode()
    assert "in which you have no part" in page
    assert states() == ["open"]
    both = signed_in("owner@lincoln.example", trusting.oakwood)
    assert "555-0199" in both.get(path).content.decode()
    both.post(f"{path}{review.pk}/", {"verdict": "same"})
    assert states() == ["same"]


def test_a_question_about_another_schools_record_does_not_exist_here(trusting: World) -> None:
    by_hand(trusting, email="ana@lincoln.example", number="6")
    trusting.night([ANA, *OTHERS])
    stranger = signed_in("owner@oakwood.example", trusting.oakwood)
    path = f"/schools/{trusting.oakwood.pk}/rostering/review/"
    assert "Nothing waits" in stranger.get(path).content.decode()
    review = MatchReview.objects.get()
    assert stranger.post(f"{path}{review.pk}/", {"verdict": "ignore"}).status_code == 404
    assert states() == ["open"]
