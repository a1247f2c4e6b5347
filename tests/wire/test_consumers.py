"""The field's consumers, asking exactly as they do: each of these is a client in use, as small as it can be told.

How each asks is in the public code or documents of that consumer. What they get must be the whole district, once.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from oauthlib.oauth1 import Client

from homeroom.oneroster.endpoints import ENDPOINTS
from tests.conftest import SisSite
from tests.wire.calls import everything, http, records
from tests.wire.test_client_server import VERSIONS, known

USERS = {record.sourced_id for record in known() if type(record).__name__ == "User"}
TEACHERS = {r.sourced_id: r for r in known() if type(r).__name__ == "User" and r.roles[0].role == "teacher"}


def basic(site: SisSite) -> str:
    return "Basic " + base64.b64encode(f"{site.key}:{site.secret}".encode()).decode()


def get(address: str, token: str, **query: str) -> Any:
    answer = http.request("GET", address, fields=query, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer.data
    return answer.json()


# Microsoft School Data Sync: 1.1, Basic, pages of 5000, deltas by date, an empty array where nothing is.


@pytest.fixture(scope="module")
def sds(sis_site: SisSite) -> str:
    form = {"grant_type": "client_credentials", "scope": " ".join(f"https://purl.imsglobal.org/spec/or/v1p1/scope/{name}.readonly"
            for name in ("roster", "roster-core", "roster-demographics"))}  # fmt: skip
    headers = {"Authorization": basic(sis_site), "Content-Type": "application/x-www-form-urlencoded"}
    answer = http.request("POST", f"{sis_site.address}/oauth/token", body=urlencode(form), headers=headers)
    return str(answer.json()["access_token"])


@pytest.mark.parametrize(
    "kind", ["academicSessions", "orgs", "users", "classes", "enrollments", "courses", "demographics"]
)
def test_school_data_sync_reads_everything_in_pages_and_by_date(
    sis_site: SisSite, sds: str, kind: str
) -> None:
    def page(offset: int, **query: str) -> list[dict[str, Any]]:
        body = get(f"{sis_site.base()}/{kind}", sds, limit="5000", offset=str(offset), **query)
        return list(body[kind])

    whole = page(0)
    assert {row["status"] for row in whole} == {"active"}
    assert page(5000) == page(len(whole)) == []
    assert page(0, filter="status='active'") == whole
    assert page(0, filter="status='tobedeleted'") == []
    stamp = whole[0]["dateLastModified"]
    assert page(0, filter=f"dateLastModified>='{stamp}'") == whole
    assert page(0, filter="dateLastModified>'2999-01-01T00:00:00.000Z'") == []
    assert page(0, filter=f"status='active' AND dateLastModified>'{stamp[:10]}'") == whole


def test_school_data_sync_gets_guardians_linked_both_ways(sis_site: SisSite, sds: str) -> None:
    people = {user["sourcedId"]: user for user in get(f"{sis_site.base()}/users", sds, limit="5000")["users"]}
    students = [user for user in people.values() if user["role"] == "student" and user.get("agents")]
    for student in students:
        for agent in student["agents"]:
            guardian = people[agent["sourcedId"]]
            assert guardian["role"] in ("guardian", "parent", "relative")
            assert student["sourcedId"] in {one["sourcedId"] for one in guardian["agents"]}
    assert students
    assert get(f"{sis_site.base()}/schools/nowhere/classes", sds, limit="5000") == {"classes": []}


# Google Classroom's conformance tests: 1.2 at /ims/oneroster/v1p2, to which /rostering/v1p2 is added.


def test_google_classroom_finds_a_teacher_by_email_and_what_that_one_teaches(sis_site: SisSite) -> None:
    base = f"{sis_site.address}/ims/oneroster/v1p2/rostering/v1p2"
    scopes = ("roster-core.readonly", "roster.readonly")
    form = {
        "grant_type": "client_credentials",
        "scope": " ".join(f"https://purl.imsglobal.org/spec/or/v1p2/scope/{name}" for name in scopes),
    }
    answer = http.request(
        "POST",
        f"{sis_site.address}/oauth/token",
        fields=form,
        encode_multipart=False,
        headers={"Authorization": basic(sis_site)},
    )
    token = answer.json()["access_token"]
    for id_, teacher in TEACHERS.items():
        body = get(f"{base}/teachers", token, filter=f"email='{teacher.email}'", limit="10000")
        assert [(one["sourcedId"], one["email"]) for one in body["users"]] == [(id_, teacher.email)]
    taught = [
        get(f"{base}/teachers/{id_}/classes", token, filter="status='active'", limit="10000")["classes"]
        for id_ in TEACHERS
    ]
    (one, *_) = [classes[0] for classes in taught if classes]
    students = get(f"{base}/classes/{one['sourcedId']}/students", token, limit="10000")["users"]
    assert students
    assert all(student["email"] and student["sourcedId"] for student in students)
    periods = get(f"{base}/terms/{one['terms'][0]['sourcedId']}/gradingPeriods", token, limit="10000")
    assert {period["type"] for period in periods["academicSessions"]} == {"gradingPeriod"}


# TCI/OneRoster: the token at base + /token for an empty body, cookies sent back, pages until one is empty.


def test_tci_reads_until_a_page_is_empty(sis_site: SisSite) -> None:
    answer = http.request("POST", f"{sis_site.base()}/token", headers={"Authorization": basic(sis_site)})
    headers = {
        "Authorization": f"Bearer {answer.json()['access_token']}",
        "Cookie": answer.headers.get("Set-Cookie", "a=b"),
    }
    words = {"teachers": "users", "students": "users", "classes": "classes", "courses": "courses", "enrollments": "enrollments",
             "terms": "academicSessions", "schools": "orgs"}  # fmt: skip
    for path, key in words.items():
        read: list[str] = []
        for offset in range(0, 100_000, 37):
            page = http.request(
                "GET", f"{sis_site.base()}/{path}?limit=37&offset={offset}", headers=headers
            ).json()[key]
            if not page:
                break
            read += [row["sourcedId"] for row in page]
        assert read
        assert len(read) == len(set(read))


def test_a_client_that_adds_the_base_to_a_whole_address_gets_through(sis_site: SisSite) -> None:
    token = everything(sis_site)["Authorization"][7:]
    for typed in (sis_site.address, sis_site.base(), sis_site.base("1.2"), f"{sis_site.base()}/"):
        assert get(f"{typed}/ims/oneroster/v1p1/orgs", token)["orgs"][0]["sourcedId"]
        assert "roles" in get(f"{typed}/ims/oneroster/rostering/v1p2/users", token, limit="1")["users"][0]


# Moodle's enrol_oneroster: http:// scopes, or OAuth 1 with SHA-256; a page shorter than the limit is the last.


def moodle_pages(site: SisSite, path: str, headers: Any, **query: str) -> Iterator[dict[str, Any]]:
    offset, limit = 0, 40
    while True:
        asked = urlencode({"limit": limit, "offset": offset, "orderBy": "asc", **query}, quote_via=quote)
        address = f"{site.base()}{path}?{asked}"
        answer = http.request("GET", address, headers=headers(address))
        assert answer.status == 200, answer.data
        (page, *_) = answer.json().values()
        yield from page
        if len(page) < limit:
            return
        offset += limit


def test_moodle_with_oauth_2(sis_site: SisSite) -> None:
    scopes = "http://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly http://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
    form = {"grant_type": "client_credentials", "scope": scopes}
    answer = http.request(
        "POST",
        f"{sis_site.address}/oauth/token",
        fields=form,
        encode_multipart=False,
        headers={"Authorization": basic(sis_site)},
    )
    said = answer.json()
    assert said["scope"] == scopes
    headers = {"Authorization": f"Bearer {said['access_token']}", "Accept": "application/json"}
    read = [user["sourcedId"] for user in moodle_pages(sis_site, "/users", lambda _: headers)]
    assert len(read) == len(USERS) == len(set(read))
    school = next(moodle_pages(sis_site, "/schools", lambda _: headers))["sourcedId"]
    recent = {"filter": "dateLastModified>='2026-01-01' AND status='active'", "sort": "sourcedId"}
    assert list(moodle_pages(sis_site, f"/schools/{school}/enrollments", lambda _: headers, **recent))


def test_moodle_with_oauth_1(sis_site: SisSite) -> None:
    client = Client(sis_site.key, client_secret=sis_site.secret, signature_method="HMAC-SHA256")
    read = [
        user["sourcedId"]
        for user in moodle_pages(
            sis_site, "/users", lambda address: dict(client.sign(address)[1]), filter="status='active'"
        )
    ]
    assert len(read) == len(USERS) == len(set(read))


# HelloID: host, token path and version path apart in 1.1; the array that is asked for may have one row.


@pytest.mark.parametrize("path", ["/ims/oneroster/v1p1", "/ims/oneroster/rostering/v1p2"])
def test_helloid_pages_by_a_thousand(sis_site: SisSite, path: str) -> None:
    scope, wanted = (
        "https://purl.imsglobal.org/spec/or/{}/scope/{}.readonly",
        (("v1p1", "roster-core"), ("v1p1", "roster")),
    )
    scopes = " ".join(scope.format(*one) for one in (*wanted, ("v1p2", "roster-demographics")))
    form = {"grant_type": "client_credentials", "scope": scopes}
    answer = http.request(
        "POST",
        f"{sis_site.address}/oauth/token",
        fields=form,
        encode_multipart=False,
        headers={"Authorization": basic(sis_site)},
    )
    token = answer.json()["access_token"]
    users = get(f"{sis_site.address}{path}/users", token, limit="1000", offset="0")["users"]
    assert {user["sourcedId"] for user in users} == USERS
    assert get(f"{sis_site.address}{path}/demographics", token, limit="1000", offset="0")["demographics"]


# Tools4ever NIM: nothing but the next link drives it, and the header is split at every comma.


@VERSIONS
@pytest.mark.parametrize(
    "wanted", ["status='active'", "givenName!='Ana, Maria' AND familyName!='O''Hara, \"x\"'"]
)
def test_nim_follows_links_that_it_splits_at_commas(sis_site: SisSite, version: str, wanted: str) -> None:
    headers = everything(sis_site)
    address, read = (
        f"{sis_site.base(version)}/users?limit=25&fields=sourcedId%2Cstatus&filter={quote(wanted)}",
        [],
    )
    visited: set[str] = set()
    while address:
        assert address not in visited
        visited.add(address)
        answer = http.request("GET", address, headers=headers)
        read += [user["sourcedId"] for user in answer.json()["users"]]
        links = dict(reversed(part.strip().split("; ")) for part in answer.headers["Link"].split(","))
        address = links.get('rel="next"', "")[1:-1]
    assert set(read) == USERS
    assert len(read) == len(USERS)


# ClassLink's own sample code: a hand-made signature over parameters that hold spaces and quotes, without oauth_version.


@pytest.mark.parametrize("digest", ["SHA1", "SHA256"])
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"limit": "10000", "offset": "0"},
        {"filter": "familyName='de la Cruz' OR familyName!='O''Hara'", "limit": "3"},
        {
            "filter": "dateLastModified>='2026-01-01T00:00:00.000+00:00'",
            "sort": "familyName",
            "orderBy": "desc",
        },
        {"fields": "sourcedId,givenName", "limit": "2", "filter": "email~'@' AND givenName!='*(a)!~'"},
    ],
)
def test_classlinks_signature(sis_site: SisSite, digest: str, query: dict[str, str]) -> None:
    def encoded(text: str) -> str:
        return quote(text, safe="~")

    oauth = {"oauth_consumer_key": sis_site.key, "oauth_signature_method": f"HMAC-{digest}", "oauth_timestamp": str(int(time.time())),
             "oauth_nonce": hashlib.sha256(repr((digest, query, time.time_ns())).encode()).hexdigest()[:10]}  # fmt: skip
    address = f"{sis_site.base()}/users"
    normal = "&".join(f"{name}={encoded(value)}" for name, value in sorted({**oauth, **query}.items()))
    signed = hmac.new(
        f"{quote_plus(sis_site.secret)}&".encode(),
        f"GET&{encoded(address)}&{encoded(normal)}".encode(),
        digest.lower(),
    )
    oauth["oauth_signature"] = base64.b64encode(signed.digest()).decode()
    header = "OAuth " + ",".join(f'{name}="{encoded(value)}"' for name, value in oauth.items())
    sent = (
        f"{address}?{urlencode(query)}" if query else address
    )  # as most libraries do: a space is sent as a plus sign
    answer = http.request("GET", sent, headers={"Authorization": header})
    assert answer.status == 200, answer.data
    assert answer.json()["users"] or "Cruz" in query.get("filter", "")


# What the standard's certification asks of a provider: every collection with every parameter, singles with fields.


@VERSIONS
@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if not e.single and not e.parents], ids=lambda e: e.operation
)
def test_a_certification_run(sis_site: SisSite, version: str, endpoint: Any) -> None:
    headers, path, key = everything(sis_site), endpoint.path, endpoint.key
    whole = records(sis_site, version, path, headers)
    assert records(sis_site, version, path, headers, limit="1") == whole[:1]
    assert records(sis_site, version, path, headers, limit="2", offset="1") == whole[1:3]
    backwards = records(sis_site, version, path, headers, sort="sourcedId", orderBy="desc")
    assert backwards == whole[::-1]
    assert (
        records(sis_site, version, path, headers, sort="sourcedId", orderBy="asc", filter="status='active'")
        == whole
    )
    some = whole[len(whole) // 2]
    assert records(sis_site, version, path, headers, filter=f"sourcedId='{some['sourcedId']}'") == [some]
    picked = records(sis_site, version, path, headers, fields="sourcedId,status")
    assert [set(one) for one in picked] == [{"sourcedId", "status"}] * len(whole)
    one = http.request("GET", f"{sis_site.base(version)}{path}/{some['sourcedId']}", headers=headers).json()
    assert one == {next(e.key for e in ENDPOINTS if e.path == f"{path}/{{id}}"): some}
    assert list(http.request("GET", f"{sis_site.base(version)}{path}?limit=1", headers=headers).json()) == [
        key
    ]
