"""What a narrowed caller is served is a plain reading of the rules over what everybody else is: nothing more leaks by any way of asking."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as some

from homeroom.oneroster import filter as filters
from homeroom.oneroster import v1p1
from homeroom.oneroster.endpoints import ALL_SCOPES, BASE_PATHS, ENDPOINTS, V1P1, V1P2
from homeroom.oneroster.shapes import KINDS
from homeroom.sis.oneroster_api.app import Desk, respond
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.snapshots import snapshots
from homeroom.sis.records.models import Record, Share, Total
from homeroom.sis.records.reread import record_of
from homeroom.sis.records.sharing import GROUPS, Narrowing
from homeroom.sis.records.store import Mode, store
from homeroom.sis.secured_users.models import SecuredUser
from homeroom.sis.sharing.change import narrow, ruled, share_of
from homeroom.sis.sharing.preview import preview, whole
from homeroom.sis.wire import Answer, Request
from tests.oneroster.reading import holds
from tests.sis.records import plainly
from tests.sis.records.districts import IDS, ORGS, District, districts, narrowings

pytestmark = pytest.mark.django_db
SITE = "https://sis.example"
Json = dict[str, Any]
THEN = datetime(2026, 9, 1, 6, tzinfo=UTC)
LATER = THEN + timedelta(days=1)
ALL_IDS = {
    "orgs": ORGS,
    "academicSessions": ("fall",),
    "courses": tuple(f"course-{org}" for org in ORGS),
    "classes": tuple(f"class-{number}" for number in range(4)),
    "users": IDS,
}
OF_PARENT = {"school": "orgs", "class": "classes", "term": "academicSessions", "course": "courses",
             "student": "users", "teacher": "users", "user": "users"}  # fmt: skip


@pytest.fixture(autouse=True)
def all_data(db: None) -> Iterator[None]:
    """The share of everything, and no snapshot that is still being made when the test ends."""
    Share.objects.get_or_create(pk=0)
    yield
    snapshots.wait()


def load(district: District, mode: Mode = Mode.REPLACE, now: datetime | None = None) -> None:
    store(district.records, dict.fromkeys(KINDS.values(), mode), now or timezone.now())


def narrowed(narrowing: Narrowing) -> SecuredUser:
    user = SecuredUser.objects.create(name="Minga")
    narrow(user, narrowing.schools, narrowing.groups, narrowing.hidden, timezone.now())
    return user


def ask(share: int, path: str, version: str = V1P2, tag: str = "", **query: str) -> Answer:
    revision = Share.objects.get(pk=share).revision
    caller = Caller(1, 1, frozenset(ALL_SCOPES), share, revision, False)
    headers = {"if-none-match": tag} if tag else {}
    raw = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    asked = Request("GET", BASE_PATHS[version] + path, list(query.items()), headers, b"", SITE, raw)
    return respond(asked, timezone.now(), Desk(lambda *_: caller, lambda *_: None)).read()


def served(share: int, version: str = V1P2) -> plainly.Served:
    """Every collection, as a caller is served it."""
    answers = {
        kind: json.loads(ask(share, f"/{kind}", version, limit="10000").body) for kind in KINDS.values()
    }
    return {kind: said[kind] for kind, said in answers.items()}


def law(check: Any, examples: int = 25) -> None:
    """A check of districts and narrowings, each in a transaction that is taken back."""

    @settings(max_examples=examples)
    @given(districts(), narrowings, some.data())
    def each(district: District, narrowing: Narrowing, data: Any) -> None:
        with transaction.atomic():
            load(district)
            check(narrowed(narrowing), narrowing, data)
            transaction.set_rollback(True)

    each()


def test_every_collection_in_both_versions_is_the_rules_over_all_of_it() -> None:
    def check(user: SecuredUser, narrowing: Narrowing, data: Any) -> None:
        expected = plainly.narrow(served(0), narrowing)
        assert served(user.share) == expected
        old = {kind: [_old(kind, one) for one in found] for kind, found in expected.items()}
        assert served(user.share, V1P1) == old

    law(check)


def _old(kind: str, said: Json) -> Json:
    """A record of 1.2 as 1.1 says it."""
    text = json.dumps(v1p1.write(record_of(kind, said)))
    written: Json = json.loads(text.replace('"~/', f'"{SITE}{BASE_PATHS[V1P1]}/'))
    return written


def test_every_list_by_parent_and_every_single_object_too() -> None:
    def check(user: SecuredUser, narrowing: Narrowing, data: Any) -> None:
        expected = served(user.share)
        for endpoint in ENDPOINTS:
            if endpoint.single:
                one = data.draw(some.sampled_from(ALL_IDS.get(endpoint.kind, IDS)))
                _same_object(user, endpoint, one, expected)
                continue
            ids = tuple(data.draw(some.sampled_from(ALL_IDS[OF_PARENT[name]])) for name in endpoint.parents)
            path = endpoint.path
            for name, id_ in zip(endpoint.parents, ids, strict=True):
                path = path.replace(f"{{{name}}}", id_)
            answer = ask(user.share, path, limit="1000")
            found = plainly.listed(endpoint, ids, expected)
            assert json.loads(answer.body)[endpoint.key] == found, path
            assert answer.headers["X-Total-Count"] == str(len(found)), path

    law(check)


def _same_object(user: SecuredUser, endpoint: Any, one: str, expected: plainly.Served) -> None:
    answer = ask(user.share, endpoint.path.replace("{id}", one))
    found = [r for r in plainly.listed(endpoint, (), expected) if r["sourcedId"] == one]
    assert answer.status == (200 if found else 404), endpoint.path
    unknown = ask(user.share, endpoint.path.replace("{id}", "nobody-at-all"))
    if found:
        assert json.loads(answer.body)[endpoint.key] == found[0]
    else:  # what is hidden is answered word for word as what there never was
        assert (answer.status, answer.body, answer.headers) == (unknown.status, unknown.body, unknown.headers)


VALUES = (
    "p1@riverside.example",
    "n-p2",
    "555-0100",
    "p3",
    "south",
    "district",
    "of p4",
    "student",
    "09",
    "2011-05-05",
    "active",
)
NAMES = {
    "users": ("email", "identifier", "phone", "username", "grades", "agents.sourcedId", "roles.org.sourcedId", "roles.role",
              "primaryOrg.sourcedId", "metadata.note", "status", "sourcedId"),
    "demographics": ("birthDate", "sex", "asian", "sourcedId"),
    "enrollments": ("user.sourcedId", "school.sourcedId", "class.sourcedId", "role"),
    "orgs": ("children.sourcedId", "parent.sourcedId", "name"),
}  # fmt: skip


def test_no_filter_sort_or_count_tells_of_what_is_hidden() -> None:
    def check(user: SecuredUser, narrowing: Narrowing, data: Any) -> None:
        expected = served(user.share)
        for kind, names in NAMES.items():
            clause = some.builds(
                filters.Clause,
                some.sampled_from(names),
                some.sampled_from(filters.OPERATORS),
                some.sampled_from(VALUES),
            )
            wanted = filters.Filter((tuple(data.draw(some.lists(clause, min_size=1, max_size=2))),))
            field, limit = data.draw(some.sampled_from(names)), data.draw(some.sampled_from(("1", "100")))
            answer = ask(
                user.share, f"/{kind}", filter=str(wanted), sort=field, fields="sourcedId", limit=limit
            )
            fits = [one["sourcedId"] for one in expected[kind] if holds(wanted, one)]
            assert answer.headers["X-Total-Count"] == str(len(fits)), str(wanted)
            said = [one["sourcedId"] for one in json.loads(answer.body)[kind]]
            assert set(said) <= set(fits)
            assert len(said) == min(len(fits), int(limit))
            hidden = f"{kind}.{field}" in narrowing.hidden
            if hidden and limit != "1":  # a field that nobody has orders nothing
                assert said == sorted(said)
            assert ('rel="next"' in answer.headers["Link"]) == (len(fits) > int(limit))

    law(check)


def test_a_tag_of_what_others_are_served_is_not_known() -> None:
    def check(user: SecuredUser, narrowing: Narrowing, data: Any) -> None:
        all_of_it = ask(0, "/users").headers["ETag"]
        own = ask(user.share, "/users").headers["ETag"]
        assert ask(user.share, "/users", tag=own).status == 304
        assert user.share == 0 or ask(user.share, "/users", tag=all_of_it).status == 200

    law(check, 10)


def test_the_preview_is_what_is_then_served() -> None:
    def check(user: SecuredUser, narrowing: Narrowing, data: Any) -> None:
        before = SecuredUser.objects.create(name="Nobody yet")
        rules = ruled(share_of(before), narrowing.schools, narrowing.groups, narrowing.hidden)
        wanted = data.draw(some.sampled_from(IDS))
        seen = preview(rules, timezone.now(), f" {wanted.upper()}@Riverside.example ")
        expected = served(user.share)
        assert dict(seen.kinds) == {kind: len(found) for kind, found in expected.items() if found}
        said = json.loads("".join(whole(rules, timezone.now())).replace('"~/', f'"{SITE}{BASE_PATHS[V1P2]}/'))
        undated = lambda found: [one | {"dateLastModified": ""} for one in found]  # noqa: E731 # some have none of their own
        assert {kind: undated(found) for kind, found in said.items()} == {
            kind: undated(found) for kind, found in expected.items() if found
        }
        assert len(seen.found) == len(
            [u for u in expected["users"] if u.get("email") == f"{wanted}@riverside.example"]
        )
        assert Record.objects.filter(share=before.share or -1).count() == 0

    law(check, 15)


def test_a_load_moves_what_a_narrowed_caller_is_given_in_the_same_breath() -> None:
    @settings(max_examples=15)
    @given(districts(), districts(), narrowings)
    def each(first: District, second: District, narrowing: Narrowing) -> None:
        with transaction.atomic():
            load(first)
            user = narrowed(narrowing)
            old = {(kind, one["sourcedId"]) for kind, found in served(user.share).items() for one in found}
            load(second, Mode.BULK)
            expected, now = plainly.narrow(served(0), narrowing), served(user.share)
            for kind, found in now.items():
                due = {one["sourcedId"] for one in expected[kind]}
                assert _undated(one for one in found if one["sourcedId"] in due) == _undated(expected[kind])
                # Whoever left what is shown is told of as a leaver, and only who was shown before.
                left = [one for one in found if one["sourcedId"] not in due]
                assert {one["status"] for one in left} <= {"tobedeleted"}
                assert {(kind, one["sourcedId"]) for one in left} <= old
            transaction.set_rollback(True)

    each()


def _undated(found: Iterable[Json]) -> list[Json]:
    """Records without their dates: what a caller's rules change of a record is dated when it changes, not as the record is."""
    return [{name: value for name, value in one.items() if name != "dateLastModified"} for one in found]


def changes(share: int, since: datetime) -> dict[str, dict[str, Json]]:
    """What a caller is told who asks for changes alone."""
    asked = {"filter": f"dateLastModified>='{since.isoformat()}'", "limit": "10000"}
    return {kind: _by_id(json.loads(ask(share, f"/{kind}", **asked).body)[kind]) for kind in KINDS.values()}


def _by_id(found: list[Json]) -> dict[str, Json]:
    return {one["sourcedId"]: one for one in found}


@pytest.mark.parametrize("mode", [Mode.BULK, Mode.DELTA])
def test_who_asks_for_changes_alone_misses_nothing_of_a_load(mode: Mode) -> None:
    @settings(max_examples=25)
    @given(districts(), districts(), narrowings)
    def each(first: District, second: District, narrowing: Narrowing) -> None:
        with transaction.atomic():
            load(first, now=THEN)
            user = SecuredUser.objects.create(name="Minga")
            narrow(user, narrowing.schools, narrowing.groups, narrowing.hidden, THEN)
            before = served(user.share)
            load(second, mode, now=LATER)
            told, after = changes(user.share, LATER), served(user.share)
            for kind, found in after.items() if user.share else ():  # all data is dated as the SIS dates it
                assert _by_id(before[kind]) | told[kind] == _by_id(found)
            transaction.set_rollback(True)

    each()


def test_who_asks_for_changes_alone_is_told_of_all_that_new_rules_show_besides() -> None:
    @settings(max_examples=25)
    @given(districts(), narrowings, narrowings)
    def each(district: District, first: Narrowing, second: Narrowing) -> None:
        with transaction.atomic():
            load(district, now=THEN)
            user = SecuredUser.objects.create(name="Minga")
            narrow(user, first.schools, first.groups, first.hidden, THEN)
            before, narrow_from = served(user.share), user.share
            narrow(user, second.schools, second.groups, second.hidden, LATER)
            if 0 not in (narrow_from, user.share):
                told, after = changes(user.share, LATER), served(user.share)
                for kind, found in after.items():
                    known = _by_id(before[kind]) | told[kind]
                    assert {id_: known.get(id_) for id_ in _by_id(found)} == _by_id(found)
            transaction.set_rollback(True)

    each()


def test_a_load_that_fails_moves_nobody() -> None:
    load(next_district())
    user = narrowed(Narrowing(frozenset({"north"})))
    before = served(0), served(user.share)

    def broken() -> Iterator[Any]:
        yield from list(next_district().records)[:3]
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"), transaction.atomic():
        store(broken(), dict.fromkeys(KINDS.values(), Mode.REPLACE), timezone.now())
    assert (served(0), served(user.share)) == before


def next_district() -> District:
    from homeroom.sis.records.generate import district

    return District(tuple(district(20, 2, 3)))


def test_names_without_birth_dates_and_no_guardians() -> None:
    load(next_district())
    groups = set(GROUPS) - {"parents"}
    user = narrowed(Narrowing(groups=frozenset(groups), hidden=frozenset({"demographics.birthDate"})))
    said = served(user.share)
    assert len(said["demographics"]) == 20
    assert not any("birthDate" in one for one in said["demographics"])
    assert not any("agents" in one for one in said["users"])
    assert {role["role"] for one in said["users"] for role in one["roles"]}.isdisjoint(GROUPS["parents"])


def test_a_teacher_of_another_school_is_not_let_in_as_a_parent_at_the_district() -> None:
    from homeroom.oneroster import records as r
    from tests.sis.records.districts import _orgs

    roles = (r.Role(role="teacher", org="south"), r.Role(role="parent", org="district"))
    load(District((*_orgs(), r.User(sourced_id="t", roles=roles))))
    assert served(narrowed(Narrowing(frozenset({"north"}))).share)["users"] == []


def test_a_guardian_is_there_while_a_student_of_the_schools_is() -> None:
    from homeroom.oneroster import records as r
    from tests.sis.records.districts import _orgs

    student = r.User(sourced_id="s", agents=("g",), roles=(r.Role(role="student", org="north"),))
    guardian = r.User(sourced_id="g", agents=("s",), roles=(r.Role(role="parent", org="district"),))
    for status, there in (("active", {"s", "g"}), ("tobedeleted", {"s"})):
        load(District((*_orgs(), msgspec.structs.replace(student, status=status), guardian)))
        user = narrowed(Narrowing(frozenset({"north"})))
        assert {one["sourcedId"] for one in served(user.share)["users"]} == there
        user.delete()


def test_a_caller_whose_rules_are_taken_back_is_given_everything_and_nothing_of_its_share_stays() -> None:
    load(next_district())
    user = narrowed(Narrowing(frozenset({"school-001"})))
    share = user.share
    narrow(user, (), GROUPS, (), timezone.now())
    assert user.share == 0
    for table in (Record, Total):
        assert not table.objects.filter(share=share).exists()
    assert not Share.objects.filter(pk=share).exists()


def test_who_left_long_ago_does_not_stay_longer_for_being_narrowed_late() -> None:
    load(next_district())
    leaver = Record.objects.filter(kind="users", share=0).earliest("sourced_id")
    then = timezone.now() - timedelta(days=80)
    leaver.v1p2 = leaver.v1p2.replace('"status":"active"', '"status":"tobedeleted"')
    leaver.status, leaver.deleted = "tobedeleted", then
    leaver.save()
    user = narrowed(Narrowing(hidden=frozenset({"users.phone"})))
    own = Record.objects.get(kind="users", share=user.share, sourced_id=leaver.sourced_id)
    assert (own.status, own.deleted) == ("tobedeleted", then)


def test_a_share_that_was_taken_away_is_no_empty_school() -> None:
    load(next_district())
    caller = Caller(1, 1, frozenset(ALL_SCOPES), 77, 5, False)
    asked = Request("GET", f"{BASE_PATHS[V1P1]}/users", [], {}, b"", SITE, "")
    answer = respond(asked, timezone.now(), Desk(lambda *_: caller, lambda *_: None))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_revision_is_never_given_twice() -> None:
    load(next_district())
    user = narrowed(Narrowing(frozenset({"school-001"})))
    stale = share_of(user)
    load(next_district())
    then = Share.objects.get(pk=user.share).revision
    from homeroom.sis.records.store import share_anew

    share_anew(ruled(stale, {"school-002"}, GROUPS, ()), timezone.now())
    assert Share.objects.get(pk=user.share).revision > then
