"""Rehearsals, as a client meets them over HTTP: what each dialect wants and gives, what each fault does, and the truth once it is over."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import urllib3

from homeroom.sis.rehearsal.dialects import DIALECTS
from homeroom.sis.rehearsal.faults import FAULTS
from tests.commands import commands
from tests.ports import free_port
from tests.program import Program
from tests.wire.rehearsing import App, http, new_app

pytestmark = pytest.mark.slow
Make = Callable[[], App]
Json = dict[str, Any]
EVERY_DIALECT = pytest.mark.parametrize("name", list(DIALECTS))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Secured users of a site with an invented district, in which people have come and gone."""
    program = Program(tmp_path_factory.mktemp("rehearsal"))
    with commands(program) as home, program.serving("sis", "serve", port=free_port()) as site:
        assert home("sis", "generate", "--students", "240", "--schools", "3").status == 0
        assert home("sis", "generate", "--evolve", "20").status == 0
        yield lambda: new_app(site, home)


@pytest.fixture(scope="module")
def truth(make: Make) -> dict[str, list[Json]]:
    """What the server says to everybody else."""
    app = make()
    return {kind: app.all(kind) for kind in ("orgs", "users", "enrollments", "classes", "courses")}


def ids(records: list[Json]) -> set[str]:
    return {record["sourcedId"] for record in records}


def role(user: Json) -> str:
    return user["role"] if "role" in user else user["roles"][0]["role"]


# What every dialect has: its headers, its addresses, its tokens.


@EVERY_DIALECT
def test_a_client_that_knows_the_dialect_reads_everybody(make: Make, name: str) -> None:
    app, dialect = make().rehearse(name), DIALECTS[name]
    answer = app.get("/users", limit="10")
    headers = {header.lower() for header in answer.headers}
    told = {"x-total-count": dialect.totals, "link": dialect.links, "x-count": dialect.page_counts,
            "x-perm-rev": dialect.revision, "etag": False}  # fmt: skip
    assert {header: header in headers for header in told} == told
    people = app.all("users")
    assert len(people) > 200
    assert len(ids(people)) == len(people)
    one = people[7]
    found = app.get(f"/users/{one['sourcedId']}".replace(" ", "%20")).json()["user"]
    assert found == one


@EVERY_DIALECT
def test_references_lead_to_what_is_there_unless_the_dialect_is_known_for_less(make: Make, name: str) -> None:
    app = make().rehearse(name)
    people, orgs = ids(app.all("users")), ids(app.all("orgs"))
    for enrollment in app.all("enrollments"):
        assert enrollment["school"]["sourcedId"] in orgs
        if (
            name != "powerschool" and enrollment["status"] == "active"
        ):  # there ids of users have a blank behind them
            assert enrollment["user"]["sourcedId"] in people, enrollment


@EVERY_DIALECT
def test_its_addresses_are_the_only_ones(make: Make, name: str) -> None:
    app, dialect = make().rehearse(name), DIALECTS[name]
    app.get("/orgs")
    for segment in ("v1p1", "rostering/v1p2"):
        known = re.fullmatch(dialect.before, "") and re.fullmatch(dialect.after, segment)
        assert app.get("/orgs", base=f"/ims/oneroster/{segment}").status == (200 if known else 404)
    assert app.ask_for_token("/oauth/token").status == 404


@pytest.mark.parametrize(("name", "operations"), [
    ("aeries", ("classes", "courses", "terms")),
    ("ed_fi", ("classes", "courses", "terms", "students", "teachers", "enrollments")),
])  # fmt: skip
def test_nothing_by_school_where_there_is_none(make: Make, name: str, operations: tuple[str, ...]) -> None:
    app = make().rehearse(name)
    school = next(org["sourcedId"] for org in app.all("orgs") if org["type"] == "school")
    for operation in operations:
        assert app.get(f"/schools/{school}/{operation}").status == 404, operation
    if name == "aeries":
        assert app.get(f"/schools/{school}/students").json()["users"]


TOKENS = [
    # dialect, address, in a Basic header, what else is sent, status
    ("skyward_sms", "/skyward/oauth/token", True, {}, 200),
    ("skyward_sms", "/skyward/oauth/token", False, {}, 401),
    ("skyward_sms", "/api/oauth/token", True, {}, 404),
    ("skyward_qmlativ", "/any-key/oauth/token", False, {}, 200),
    ("skyward_qmlativ", "/oauth/token", True, {}, 404),
    ("classlink", "/oauth/token", True, {}, 404),
    ("classlink_proxy", "/oauth/token", True, {}, 404),
    ("infinite_campus", "/campus/oauth2/token?appName=homeroom", True, {}, 200),
    ("infinite_campus", "/campus/oauth2/token", True, {}, 400),
    ("infinite_campus_1_1", "/campus/oauth2/token?appName=homeroom", True, {}, 404),
    ("powerschool", "/oauth/access_token", False, {}, 200),
    ("aeries", "/aeries/token", True, {}, 200),
    ("aeries", "/aeries/token", True, {"scope": ""}, 400),
    ("ed_fi", "/identity/connect/token", False, {}, 200),
    ("ed_fi", "/oauth/token", False, {}, 404),
]


@pytest.mark.parametrize(("name", "address", "basic", "form", "status"), TOKENS)
def test_a_token_is_given_where_and_how_the_dialect_gives_it(
    make: Make, name: str, address: str, basic: bool, form: dict[str, str], status: int
) -> None:
    answer = make().rehearse(name).ask_for_token(address, basic=basic, **form)
    assert answer.status == status, answer.data
    if status == 200:
        assert answer.json()["expires_in"] == (21_600 if name == "aeries" else 3600)


def test_aeries_wants_its_cookie_back(make: Make) -> None:
    app = make().rehearse("aeries")
    assert app.get("/orgs").status == 200
    app.cookie = ""
    assert app.get("/orgs").status == 401


def test_a_proxys_bearer_is_the_secret_and_its_address_is_encoded_once(make: Make) -> None:
    app = make().rehearse("classlink_proxy")
    assert app.get("/orgs").status == 200
    assert app.get("/orgs", base=app.dialect.base.replace("%", "%25")).status in (401, 404)
    app.stop()
    refused = http.request(
        "GET", f"{app.site}/ims/oneroster/v1p1/orgs", headers={"Authorization": f"Bearer {app.secret}"}
    )
    assert refused.status == 401


# How pages, filters and fields differ.


@pytest.mark.parametrize(
    ("name", "kind", "most"), [("powerschool", "enrollments", 1000), ("ed_fi", "users", 500)]
)
def test_pages_are_cut_without_a_word(make: Make, name: str, kind: str, most: int) -> None:
    app = make().rehearse(name)
    assert len(app.get(f"/{kind}", limit="5000").json()[kind]) == most
    assert len(app.all(kind)) > most


@pytest.mark.parametrize(("query", "status"), [
    ("filter=familyName%3D'Lopez'", 200), ("filter=agents.sourcedId%3D'x'", 400), ("filter=grades%3D'09'", 400),
    ("limit=5&limit=6", 400), ("limit=none", 400),
])  # fmt: skip
def test_ed_fi_takes_some_filters_and_no_parameter_twice(make: Make, query: str, status: int) -> None:
    app = make().rehearse("ed_fi")
    assert app.get(f"/users?{query}").status == status


def test_counts_of_a_page_are_those_of_the_page(make: Make) -> None:
    app = make().rehearse("classlink")
    answer = app.get("/users", limit="10")
    assert (answer.headers["X-Count"], len(answer.json()["users"])) == ("10", 10)
    assert int(answer.headers["X-Total-Count"]) > 10


def test_aeries_says_null_and_its_hrefs_lead_nowhere(make: Make) -> None:
    app = make().rehearse("aeries")
    orgs = app.all("orgs")
    district, school = (next(org for org in orgs if org["type"] == word) for word in ("district", "school"))
    assert (district["sourcedId"], district["identifier"], district["parent"], district["metadata"]) == ("0", None, None, None)  # fmt: skip
    assert school["identifier"] is None
    assert school["parent"] == {"href": "~/ims/oneroster/v1p1/orgs/0", "sourcedId": "0", "type": "org"}
    assert school["sourcedId"] == "4"


SHAPES: list[tuple[str, str, Callable[[list[Json]], bool]]] = [
    ("skyward_sms", "some have no name", lambda found: any(not u["givenName"] and not u["familyName"] for u in found)),
    ("skyward_sms", "most have one", lambda found: sum(bool(u["familyName"]) for u in found) > 0.9 * len(found)),
    ("skyward_sms", "some teachers have no number",
     lambda found: {"identifier" in u for u in found if role(u) == "teacher"} == {True, False}),
    ("classlink", "no guardians", lambda found: not {role(u) for u in found} & {"parent", "guardian", "relative"}),
    ("classlink", "empty phone numbers", lambda found: any(u["sms"] == "" for u in found)),
    ("infinite_campus", "GUIDs", lambda found: all(u["sourcedId"].count("-") == 4 for u in found)),
    ("infinite_campus", "the older id", lambda found: all(u["metadata"]["ic"]["legacysourceId"][1:] for u in found)),
    ("infinite_campus_1_1", "the letter of the role", lambda found: all(u["sourcedId"][0] == u["role"][0] for u in found)),
    ("powerschool", "blanks behind ids", lambda found: all(u["sourcedId"].endswith(" ") for u in found)),
    ("aeries", "TCH_", lambda found: all(u["sourcedId"].startswith("TCH_") == (role(u) != "student") for u in found)),
    ("ed_fi", "parents", lambda found: not {role(u) for u in found} & {"guardian", "relative"}),
    ("ed_fi", "linked to nobody", lambda found: not any(u.get("agents") for u in found)),
    ("ed_fi", "one school each",
     lambda found: all(len({r["org"]["sourcedId"] for r in u["roles"]}) == 1 for u in found if role(u) != "parent")),
    ("ed_fi", "an empty username without e-mail", lambda found: all(u["username"] == u.get("email", "") for u in found)),
    ("ed_fi", "nobody has left", lambda found: {u["status"] for u in found} == {"active"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what", "holds"), SHAPES, ids=[f"{name}: {what}" for name, what, _ in SHAPES]
)
def test_people_are_kept_as_that_sis_keeps_them(
    make: Make, name: str, what: str, holds: Callable[[list[Json]], bool]
) -> None:
    assert holds(make().rehearse(name).all("users"))


def test_a_move_from_campus_1_1_to_1_2_changes_every_id_and_tells_the_old_ones(make: Make) -> None:
    app = make().rehearse("infinite_campus_1_1")
    before = ids(app.all("users"))
    after = app.rehearse("infinite_campus").all("users")
    assert not before & ids(after)
    kept = {
        u["metadata"]["ic"]["legacysourceId"]
        for u in after
        if role(u) not in ("parent", "guardian", "relative")
    }
    assert before & kept == kept


@pytest.mark.parametrize(("name", "told"), [("", True), ("skyward_sms", True), ("ed_fi", False)])
def test_leavers_are_told_of_as_that_sis_tells(make: Make, name: str, told: bool) -> None:
    app = make()
    people = app.rehearse(name).all("users") if name else app.all("users")
    assert ("tobedeleted" in {user["status"] for user in people}) == told


# What each fault does.

RUNS = [
    # the fault, and the statuses of nine calls with one token
    ("too_many_seconds", [200, 200, 429] * 3),
    ("too_many_date", [200, 200, 429] * 3),
    ("too_many_silent", [200, 200, 429] * 3),
    ("server_errors", [200, 200, 503, 200, 200, 502, 200, 200, 504]),
    ("expired_secret", [401] * 9),
    ("token_ends", [200, 200, *[401] * 7]),
    ("html", [200] * 9),
    ("cut_json", [200] * 9),
    ("half_pages", [200] * 9),
    ("odd_records", [200] * 9),
]


@pytest.mark.parametrize(("fault", "statuses"), RUNS)
def test_a_fault_of_the_wire_strikes_in_turn(make: Make, fault: str, statuses: list[int]) -> None:
    app = make()
    app.ask_for_token()
    app.rehearse("", fault)
    if fault != "expired_secret":
        app.ask_for_token()
    for _ in statuses:
        app.get("/orgs", limit="2")
    assert app.statuses == statuses


def test_with_an_expired_secret_no_token_is_given(make: Make) -> None:
    answer = make().rehearse("", "expired_secret").ask_for_token()
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


def test_after_a_token_that_was_refused_in_mid_run_the_next_one_holds(make: Make) -> None:
    app = make().rehearse("", "token_ends")
    for _ in range(3):
        app.get("/orgs")
    assert app.statuses == [200, 200, 401]
    app.ask_for_token()
    assert {app.get("/orgs").status for _ in range(7)} == {200}
    app.ask_for_token()
    assert [app.get("/orgs").status for _ in range(3)] == [200, 200, 401]


def test_without_tokens_each_third_call_is_refused(make: Make) -> None:
    app = make().rehearse("classlink", "token_ends")
    assert [app.get("/orgs").status for _ in range(6)] == [200, 200, 401] * 2


def test_retry_after_is_told_in_seconds_as_a_date_or_not_at_all(make: Make) -> None:
    said = {}
    for fault in ("too_many_seconds", "too_many_date", "too_many_silent"):
        app = make().rehearse("", fault)
        said[fault] = [app.get("/orgs") for _ in range(3)][2].headers.get("Retry-After")
    assert said["too_many_seconds"] == "1"
    assert abs((parsedate_to_datetime(said["too_many_date"]) - datetime.now(UTC)).total_seconds()) < 60
    assert said["too_many_silent"] is None


def test_a_time_out_takes_longer_than_a_client_waits_and_the_next_call_comes(make: Make) -> None:
    app = make().rehearse("", "time_outs", seconds="8")
    app.ask_for_token()
    address, headers = f"{app.site}/ims/oneroster/v1p1/orgs", {"Authorization": f"Bearer {app.token}"}
    ask = lambda: http.request("GET", address, headers=headers, timeout=3)  # noqa: E731
    assert [ask().status, ask().status] == [200, 200]
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        ask()
    assert ask().status == 200


def third(app: App, path: str = "/users", **query: str) -> urllib3.BaseHTTPResponse:
    return [app.get(path, **query) for _ in range(3)][2]


def test_a_sign_in_page_comes_with_status_200(make: Make) -> None:
    answer = third(make().rehearse("", "html"))
    assert answer.headers["Content-Type"] == "text/html"
    assert b"Please sign in" in answer.data


def test_json_ends_in_its_middle(make: Make) -> None:
    app = make().rehearse("", "cut_json")
    answer = third(app)
    with pytest.raises(ValueError):
        answer.json()
    assert app.get("/users").json()["users"]


def test_pages_are_half_as_long_and_nothing_says_so(make: Make) -> None:
    answer = make().rehearse("", "half_pages").get("/users", limit="10")
    assert len(answer.json()["users"]) == 5
    assert not {"x-total-count", "link"} & {name.lower() for name in answer.headers}


@pytest.mark.parametrize(("fault", "by"), [("wrong_totals", 7), ("short_totals", -7)])
def test_totals_are_wrong(make: Make, truth: dict[str, list[Json]], fault: str, by: int) -> None:
    answer = make().rehearse("", fault).get("/users", limit="3")
    assert int(answer.headers["X-Total-Count"]) == len(truth["users"]) + by


def test_rows_move_between_pages(make: Make) -> None:
    app = make().rehearse("", "moving_rows")
    first, second = (app.get("/users", limit="10", offset=offset) for offset in ("0", "10"))
    assert second.json()["users"][0] == first.json()["users"][-1]
    assert "offset=20>" in second.headers["Link"]


def test_every_list_is_empty(make: Make) -> None:
    app = make().rehearse("", "empty_lists")
    answer = app.get("/users")
    assert (answer.status, answer.json(), answer.headers["X-Total-Count"]) == (200, {"users": []}, "0")


def test_records_are_odd_in_turn(make: Make) -> None:
    people = make().rehearse("", "odd_records").all("users")
    assert any(isinstance(person.get("orgs"), dict) for person in people)
    assert any(person["grades"] is None for person in people if "grades" in person)
    assert {type(person["enabledUser"]) for person in people} == {bool, str}
    assert any(person["username"] is None for person in people)
    assert any(" " in person["dateLastModified"] for person in people)


def test_a_school_has_vanished_with_its_people(make: Make, truth: dict[str, list[Json]]) -> None:
    app = make().rehearse("", "vanished_school", school="school-002")
    assert ids(app.all("orgs")) == ids(truth["orgs"]) - {"school-002"}
    there = {
        user["sourcedId"]
        for user in truth["users"]
        if role(user) == "student" and {org["sourcedId"] for org in user["orgs"]} == {"school-002"}
    }
    people = app.all("users")
    assert there
    assert not there & ids(people)
    assert "school-002" not in {org["sourcedId"] for user in people for org in user["orgs"]}
    assert not [one for one in app.all("enrollments") if one["school"]["sourcedId"] == "school-002"]
    assert app.get("/schools/school-002/students").json() == {"users": []}


def test_every_id_is_new_and_all_else_stays(make: Make, truth: dict[str, list[Json]]) -> None:
    app = make().rehearse("", "rekeyed")
    people = app.all("users")
    assert not ids(people) & ids(truth["users"])
    said = lambda found: sorted((u["familyName"], u.get("email", ""), u.get("identifier", "")) for u in found)  # noqa: E731
    assert said(people) == said(truth["users"])
    known = ids(people)
    assert all(agent["sourcedId"] in known for user in people for agent in user.get("agents", ()))


def test_last_years_database_is_a_grade_lower_and_lacks_the_new(
    make: Make, truth: dict[str, list[Json]]
) -> None:
    app = make().rehearse("", "last_year")
    now = {u["sourcedId"]: u["grades"] for u in truth["users"] if u.get("grades")}
    then = {u["sourcedId"]: u["grades"] for u in app.all("users") if u.get("grades")}
    assert {one for one, grades in now.items() if grades == ["KG"]} == now.keys() - then.keys()
    assert {one for one in then if now[one] == ["10"]} == {one for one in then if then[one] == ["09"]}
    assert len(app.all("users")) == len(truth["users"]) - len(now.keys() - then.keys())


# Per secured user, and over at once.


def test_nobody_else_is_touched(make: Make, truth: dict[str, list[Json]]) -> None:
    other = make()
    other.get("/orgs")
    make().rehearse("ed_fi", "html", "rekeyed")
    assert other.all("users") == truth["users"]


@pytest.mark.parametrize("dialect", ["", "aeries"])
def test_when_it_ends_the_very_next_call_is_answered_as_the_data_says(
    make: Make, truth: dict[str, list[Json]], dialect: str
) -> None:
    app = make()
    app.get("/orgs")
    token = app.token
    app.rehearse(dialect, "half_pages", "rekeyed")
    app.token = ""
    bent = app.get("/users", limit="10")
    assert "ETag" not in bent.headers
    app.stop()
    app.token = token
    assert app.all("users") == truth["users"]
    answer = app.get("/users", limit="10")
    assert answer.headers["X-Total-Count"] == str(len(truth["users"]))
    assert answer.headers["ETag"]


def test_dialect_and_faults_are_rehearsed_together(make: Make) -> None:
    app = make().rehearse("ed_fi", "server_errors", "rekeyed")
    assert [app.get("/users", limit="5000").status for _ in range(3)] == [200, 200, 503]


def test_every_fault_is_tested_here() -> None:
    """A fault that nobody tests is no switch to rely on."""
    from pathlib import Path

    text = Path(__file__).read_text()
    assert [name for name in FAULTS if f'"{name}"' not in text] == []
