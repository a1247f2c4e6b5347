"""The words by which records are found: hashed under the installation's key, so that the database alone tells nobody's."""

import os
from importlib import import_module

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.target import query
from homeroom.campus.runs.sought import Words
from homeroom.campus.runs.telling.why_not import why_not
from tests.campus.runs.laws import marks
from tests.campus.world import World
from tests.invented import student

MANY = [student(f"s{number:02d}") for number in range(12)]
FAR = student("x", org="org-elsewhere", given_name="Noor", family_name="El Haddad", number="0042")
MATCHED_BY_NOBODY = student("y", given_name="Lee", number="n-y")


def found(world: World, words: str) -> bool:
    return "belongs to no school" in why_not(world.lincoln, words, world.now)[0].why


def sought(sourced_id: str) -> list[int]:
    return SourceRecord.objects.get(sourced_id=sourced_id).sought


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HOMEROOM_KEY", Fernet.generate_key().decode())
    return monkeypatch


def test_each_word_finds_a_record_in_whatever_case_and_a_number_without_its_zeros(trusting: World) -> None:
    trusting.night([*MANY, FAR])
    for words in ("noor el haddad", "HADDAD", "0042", "42", "x@lincoln.example"):
        assert found(trusting, words), words
    assert not found(trusting, "noor haddads")


def test_without_the_key_no_word_can_be_guessed(trusting: World, key: pytest.MonkeyPatch) -> None:
    trusting.night([*MANY, FAR])
    kept = sought("x")
    assert Words().hashes(["noor", "el", "haddad", "0042", "42", "x@lincoln.example"]) == kept
    assert len(kept) == 6
    plain = query(
        "SELECT hashtextextended(word, 0) FROM unnest(%s::text[]) AS word", [["noor", "haddad", "42"]]
    )
    assert not {hashed for (hashed,) in plain} & set(kept)
    key.setenv("HOMEROOM_KEY", Fernet.generate_key().decode())
    assert not set(Words().of(FAR)) & set(kept)


def test_a_key_put_in_front_changes_nothing(trusting: World, key: pytest.MonkeyPatch) -> None:
    old = Words().of(FAR)
    key.setenv("HOMEROOM_KEY", f"{Fernet.generate_key().decode()},{os.environ['HOMEROOM_KEY']}")
    assert Words().of(FAR) == old


def test_under_a_new_key_everybody_is_looked_at_once_more_and_found_again(
    trusting: World, key: pytest.MonkeyPatch
) -> None:
    for name in ("Ana", "Anna"):
        trusting.district.people.create(given_name=name, number="n-y")
    people = [*MANY, FAR, MATCHED_BY_NOBODY]
    trusting.night(people)
    before = sought("x"), sought("y"), sought("s00")
    key.setenv("HOMEROOM_KEY", Fernet.generate_key().decode())
    assert not found(trusting, "noor")
    run = trusting.night(people)
    assert (run.counts["add"], run.counts["archive"], run.unchanged) == (0, 0, 0)
    assert found(trusting, "noor")
    assert not {*before[0], *before[1], *before[2]} & {*sought("x"), *sought("y"), *sought("s00")}
    written = marks(trusting)
    assert trusting.night(people).unchanged == len(people) - 1
    assert marks(trusting) == written


def test_the_migration_leaves_no_plain_hash_and_the_next_sync_finds_everybody_again(trusting: World) -> None:
    trusting.night([*MANY, FAR])
    wanted = sought("x")
    with (
        connection.cursor() as cursor
    ):  # as it was before: hashes without a key, decided under the policy alone
        cursor.execute(
            "UPDATE connections_sourcerecord SET sought = ARRAY[hashtextextended('noor', 0)], decided_under = '\\x00'"
        )
        migration = import_module("homeroom.campus.connections.migrations.0011_keyed_words").Migration
        cursor.execute(migration.operations[0].sql)
    assert not SourceRecord.objects.exclude(sought=[]).exists()
    run = trusting.night([*MANY, FAR])
    assert (run.counts["add"], run.counts["archive"]) == (0, 0)
    assert sought("x") == wanted
