"""Matching: by link, by number, by an e-mail that only one has; never by name, and never when signs disagree."""

from homeroom.sync.matching import Candidates, match
from homeroom.sync.roster import PERSON_FIELDS, Entry, Membership, Person, Place, RoleGroup

HERE = Place(1, RoleGroup.STUDENTS)
STAFF = Place(1, RoleGroup.STAFF)


def entry(place: Place = HERE, **fields: str) -> Entry:
    return Entry("id", {**dict.fromkeys(PERSON_FIELDS, ""), **fields}, {place: ""})


def person(id_: int, place: Place = HERE, **fields: str) -> Person:
    return Person(id_, {**dict.fromkeys(PERSON_FIELDS, ""), **fields}, {place: Membership()})


def test_a_link_once_made_wins_over_every_other_sign() -> None:
    linked, other = person(1, number="9"), person(2, number="7")
    assert match(entry(number="7"), Candidates(linked=linked, by_number=[other])).person is linked


def test_a_number_recognises_a_person_of_the_same_kind() -> None:
    assert (
        match(entry(number="7"), Candidates(by_number=[person(1, number="7")])).how
        == "matched by student number"
    )
    assert match(entry(STAFF, number="7"), Candidates(by_number=[person(1, number="7")])).person is None


def test_an_email_that_only_one_has_recognises_a_person() -> None:
    assert match(entry(email="a@x.example"), Candidates(by_email=[person(1)])).how == "matched by e-mail"


def test_an_email_shared_in_the_source_recognises_nobody() -> None:
    assert match(entry(email="a@x.example"), Candidates(by_email=[person(1)], email_shared=True)).how == "new"


def test_an_email_of_somebody_with_another_number_is_for_a_person_to_decide() -> None:
    found = match(entry(email="a@x.example", number="7"), Candidates(by_email=[person(1, number="8")]))
    assert (found.person, found.problem and found.problem.code) == (None, "ambiguous_match")


def test_number_of_one_and_email_of_another_is_for_a_person_to_decide() -> None:
    found = match(
        entry(number="7", email="b@x.example"), Candidates(by_number=[person(1)], by_email=[person(2)])
    )
    assert found.problem is not None


def test_somebody_whom_another_live_record_means_is_not_taken_by_email() -> None:
    assert (
        match(entry(email="a@x.example"), Candidates(by_email=[person(1)], taken=frozenset({1}))).how == "new"
    )


def test_the_same_name_recognises_nobody() -> None:
    assert match(entry(given_name="Ana", family_name="Lopez"), Candidates()).how == "new"
