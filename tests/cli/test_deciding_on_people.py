"""Review, merge and split by commands, run in this process on the tests' own database."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Person
from homeroom.campus.runs.models import MatchReview
from homeroom.cli import merging, reviewing
from homeroom.cli.trouble import Trouble
from homeroom.sync.roster import SourcePerson
from tests.campus.world import World
from tests.cli.conftest import Command
from tests.invented import OAKWOOD, adult, student

TWICE = [adult("r1", email="k@x.example"), adult("r2", email="k@x.example", org=OAKWOOD)]


@pytest.fixture
def said(command: Command, capsys: pytest.CaptureFixture[str]) -> Callable[[int], Any]:
    """The document of a command that ended with 0; what was said to people before it is passed over."""

    def read(status: int) -> Any:
        assert status == 0
        told = capsys.readouterr().out
        return json.loads(told[told.index("{") :])

    return read


def test_a_review_is_listed_and_decided(trusting: World, said: Callable[[int], Any]) -> None:
    trusting.night(TWICE)
    (one,) = said(reviewing.review_list("Oakwood", json=True))["reviews"]
    assert (one["sourced_id"], one["state"], one["might_be"][0]["signs"]) == ("r2", "open", ["email"])
    assert said(reviewing.review_list("Lincoln High", json=True))["reviews"] == []
    assert said(reviewing.review_same([one["review"]], json=True))["state"] == "same"
    assert said(reviewing.review_list("Oakwood", decided=True, json=True))["reviews"][0]["might_be"][0][
        "chosen"
    ]
    trusting.night(TWICE)
    assert Person.objects.count() == 1


def test_what_cannot_be_decided_says_why_and_what_to_do(trusting: World, command: Command) -> None:
    with pytest.raises(Trouble, match="There is no review 4711"):
        reviewing.review_ignore([4711])
    trusting.night(TWICE)
    review = MatchReview.objects.get()
    with pytest.raises(Trouble, match="Say which person"):
        reviewing.review_same([review.pk], 4711)
    assert reviewing.review_different([review.pk]) == reviewing.review_list("Oakwood") == 0


def test_people_are_merged_split_and_given_back(trusting: World, said: Callable[[int], Any]) -> None:
    trusting.night([student("a"), student("b")])
    one, other = (SourceRecord.objects.get(sourced_id=id_).person_id for id_ in "ab")
    assert one and other
    done = said(merging.merge_people(one, other, json=True))
    listed = said(merging.merge_list(one, json=True))
    assert (listed["records"], listed["done"][0]["change"]) == (["a", "b"], done["change"])
    assert said(merging.merge_split(one, ["b"], json=True))["action"] == "split"
    with pytest.raises(Trouble, match="Not all of these are records"):
        merging.merge_split(one, ["b"])
    with pytest.raises(Trouble, match="merged already"):
        merging.merge_people(other, one)
    with pytest.raises(Trouble, match="There is no person 0"):
        merging.merge_list(0)
    assert merging.merge_list(one) == 0
    change = said(merging.merge_list(one, json=True))["done"][0]["change"]
    assert merging.merge_undo(change) == 0
    assert SourceRecord.objects.filter(person=one).count() == 2


def test_ignored_and_different_have_their_effect_and_can_be_decided_otherwise(
    trusting: World, command: Command
) -> None:
    trusting.night(TWICE)
    review = command("review", "list", "Oakwood", "--json").json["reviews"][0]["review"]
    assert "ignored" in command("review", "ignore", review).out
    trusting.night(TWICE)
    assert (Person.objects.count(), command("review", "list", "Oakwood", "--json").json["reviews"]) == (1, [])
    assert "ignore" in command("review", "list", "Oakwood", "--decided").out
    assert command("review", "different", review, "--json").json["state"] == "different"
    trusting.night(TWICE)
    assert Person.objects.count() == 2


def people_twice(world: World, count: int) -> list[SourcePerson]:
    """So many students whose numbers somebody of quite another name has already, and one with two candidates."""
    for n in range(count):
        world.district.people.create(given_name="Bo", family_name="Roy", number=f"n-p{n}")
    for name in ("Ana", "Anna"):
        world.district.people.create(given_name=name, number="n-two")
    return [*(student(f"p{n}") for n in range(count)), student("two"), adult("t")]


def test_several_are_decided_in_one_act_after_they_were_shown_by_name(
    trusting: World, command: Command
) -> None:
    told = people_twice(trusting, 3)
    trusting.night(told)
    renamed = "its number is that of a person with quite another name"
    listed = command(
        "review", "list", "Lincoln High", "--why", renamed, "--sign", "number", "--role", "students", "--json"
    )
    several = [one["review"] for one in listed.json["reviews"]]
    assert [one["sourced_id"] for one in listed.json["reviews"]] == ["p0", "p1", "p2"]
    assert command("review", "list", "Lincoln High", "--sign", "email", "--json").json["reviews"] == []
    asked = command("review", "different", *several)
    assert (asked.status, asked.out) == (2, "")
    said = " ".join(asked.err.split())
    assert "3 records: different people." in said
    assert "Ana Lopez p1 (p1); might be" in said
    assert "say it again with --yes" in said
    assert set(MatchReview.objects.values_list("state", flat=True)) == {"open"}
    done = command("review", "different", *several, "--yes", "--json")
    assert (done.status, [one["state"] for one in done.json["reviews"]], done.json["refused"]) == (
        0,
        ["different"] * 3,
        [],
    )
    before = Person.objects.count()
    trusting.night(told)
    assert Person.objects.count() == before + 3


def test_what_one_act_cannot_decide_is_told_and_the_rest_is_kept(trusting: World, command: Command) -> None:
    trusting.night(people_twice(trusting, 2))
    several = [one["review"] for one in command("review", "list", "Lincoln High", "--json").json["reviews"]]
    said = command("review", "same", *several, "--yes")
    assert said.status == 1
    assert said.out.count("same person. The next sync carries it out.") == 2
    assert "Say which person it is, by id" in said.out
    assert sorted(MatchReview.objects.values_list("state", flat=True)) == ["open", "same", "same"]


def test_each_of_them_is_taken_back_until_it_is_carried_out(trusting: World, command: Command) -> None:
    told = people_twice(trusting, 2)
    trusting.night(told)
    one, other, two = [
        one["review"] for one in command("review", "list", "Lincoln High", "--json").json["reviews"]
    ]
    assert command("review", "different", one, other, "--yes").status == 0
    assert command("review", "undo", one).out == f"Review {one}: waits for a decision.\n"
    assert [r["review"] for r in command("review", "list", "Lincoln High", "--json").json["reviews"]] == [
        one,
        two,
    ]
    trusting.night(told)
    late = command("review", "undo", other)
    assert (late.status, "carried out already" in late.err) == (1, True)
    never = command("review", "undo", two)
    assert (never.status, "Nothing was decided about it" in never.err) == (1, True)
    assert Person.objects.filter(number="n-p0").count() == 1
    assert Person.objects.filter(number="n-p1").count() == 2


def test_of_several_whom_a_record_might_mean_one_is_named(trusting: World, command: Command) -> None:
    one, other = (
        Person.objects.create(district=trusting.district, given_name=name, number="n-a")
        for name in ("Ana", "Anna")
    )
    trusting.night([student("a")])
    review = command("review", "list", "Lincoln High", "--json").json["reviews"][0]["review"]
    for wrong in ([], ["--person", 4711]):
        said = command("review", "same", review, *wrong)
        assert (said.status, said.out) == (1, "")
        assert f"Say which person it is, by id: {one.pk}, {other.pk}" in " ".join(said.err.split())
    assert command("review", "same", review, "--person", other.pk).status == 0
    trusting.night([student("a")])
    assert SourceRecord.objects.get(sourced_id="a").person == other


def test_a_person_is_shown_as_they_stood_on_a_day(trusting: World, command: Command) -> None:
    trusting.night([student("a")])
    trusting.night([student("a", grade="10")])
    Person.objects.update(created_at=trusting.now - timedelta(days=1))
    person = Person.objects.get().pk
    said = command("person", person, "--on", "2026-06-02", "--json").json
    assert (said["stood"]["places"][0]["grade"], len(said["events"])) == ("09", 2)
    assert "grade 09: active" in command("person", person, "--on", "2026-06-02").out
    assert command("person", person, "--json").json["events"][0]["fields"][0]["after"] == "10"
    assert "not here yet" in command("person", person, "--on", "2026-05-01").out


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["person", "1", "--on", "yesterday"], 2, "yesterday is not a day → Write it as 2026-06-03"),
        (["person", "4711"], 2, "There is no person 4711"),
        (["review", "list", "Nowhere"], 2, "There is no school Nowhere"),
        (["review", "different", "4711"], 2, "There is no review 4711"),
        (["review", "same", "first"], 2, "Invalid value"),
        (["review", "same", "1", "2", "--person", "3"], 2, "--person is about one record"),
        (["review", "undo", "4711"], 2, "There is no review 4711"),
        (["review", "list", "Oakwood", "--sign", "name"], 2, "There is no sign name → Choose one of number, email"),
        (["review", "list", "Oakwood", "--role", "pupils"], 2, "There is no role pupils"),
        (["merge", "people", "4711", "4712"], 2, "There is no person 4711"),
        (["merge", "people", "{one}", "{one}"], 1, "Choose two different people of one district"),
        (["merge", "split", "{one}", "a"], 1, "Choose some of the records, not all and not none"),
        (["merge", "split", "{one}", "x"], 2, "Not all of these are records of"),
        (["merge", "split", "{one}"], 2, "Missing argument"),
        (["merge", "undo", "4711"], 2, "There is no merge or split 4711"),
        (["why-not", "Lincoln High"], 2, "Missing argument"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_status(
    trusting: World, command: Command, words: list[str], status: int, says: str
) -> None:
    trusting.night([student("a")])
    said = command(*(word.format(one=Person.objects.get().pk) for word in words))
    assert (said.status, said.out) == (status, "")
    assert says in " ".join(said.err.split()).replace(". →", " →")
    assert Person.objects.filter(merged_into=None).count() == 1
