"""Attempts to reach more than is offered: through every parameter and every part of a path of every operation, in both versions."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from homeroom.oneroster.endpoints import ENDPOINTS, Endpoint
from tests.conftest import SisSite
from tests.wire.calls import everything, http, records
from tests.wire.test_client_server import VERSIONS
from tests.wire.test_kindness import USERS
from tests.wire.test_operations import OPERATIONS

BAD = [
    "'; DROP TABLE records_record; --",
    "' OR '1'='1",
    "x' UNION SELECT key, secret FROM secured_users_key --",
    "'||pg_sleep(9)||'",
    "1; SELECT pg_sleep(9)",
    "$.**",
    '"] ? (@ == 1)',
    "%s%(x)s%%",
    "{0.__class__}{{7*7}}${7*7}",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "\\..\\..\\windows",
    "file:///etc/passwd",
    "\x00",
    "\x7f\x1b[31m",
    "\r\nX-Injected: 1",
    "\u202eevil\ufeff",
    "a" * 3000,
    "9" * 400,
    "-1",
    "1e9",
    "NaN",
    "null",
    "[]",
    "'",
    '"',
    "\\",
    "*",
]
IN_FILTERS = [
    "sourcedId{}'x'", "sourcedId='{}'", "{}='x'", "metadata.{}='x'", "roles.{}='x'", "status='active' {} status='active'",
    "dateLastModified>'{}'", "grades='{}'", "grades~'{}'", "orgs.sourcedId='{}'", "birthDate>{}", "enabledUser={}",
]  # fmt: skip
NAMES = (
    "filter",
    "sort",
    "orderBy",
    "fields",
    "limit",
    "offset",
    "nothing",
    "access_token",
    "oauth_signature",
)
ALLOWED = (200, 400, 401, 404, 405, 414, 431)


@pytest.fixture(scope="module")
def headers(sis_site: SisSite) -> dict[str, str]:
    return everything(sis_site)


def fill(endpoint: Endpoint, said: str) -> Iterator[str]:
    """The path with a text in each of its places, the others being as they should."""
    places = re.findall(r"\{\w+\}", endpoint.path)
    for place in places:
        path = endpoint.path.replace(place, said)
        yield re.sub(r"\{\w+\}", "school-001", path)
    if not places:
        yield endpoint.path + said


def ask(
    site: SisSite, path: str, headers: dict[str, str], fields: dict[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    answer = http.request("GET", site.address + path, fields=fields, headers=headers, timeout=8)
    assert answer.status in ALLOWED, (path, fields, answer.data[:300])
    assert "X-Injected" not in answer.headers
    if answer.status not in (414, 431):
        text = answer.data.decode()
        said: Any = answer.json()
        assert said
        assert not re.search(r"psycopg|Traceback|syntax error|/site-packages/|root:x:", text), text[:500]
        assert site.secret not in text
    return answer


@pytest.mark.slow
@VERSIONS
@OPERATIONS
def test_no_parameter_reaches_further(
    sis_site: SisSite, headers: dict[str, str], version: str, endpoint: Endpoint
) -> None:
    base = sis_site.base(version).removeprefix(sis_site.address)
    path = re.sub(r"\{\w+\}", "school-001", endpoint.path)
    for number, bad in enumerate(BAD):
        for name in NAMES:
            ask(
                sis_site,
                base + path,
                headers,
                {name: bad, "limit": "2"} if name != "limit" else {"limit": bad},
            )
        ask(sis_site, base + path, headers, {"filter": IN_FILTERS[number % len(IN_FILTERS)].format(bad)})
        ask(sis_site, base + path, headers, {bad: "1"})
        for broken in fill(endpoint, quote(bad, safe="")):
            ask(sis_site, base + broken, headers)
    assert len(records(sis_site, version, "/users", headers)) == USERS


@pytest.mark.parametrize("form", IN_FILTERS)
@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_no_place_of_a_filter_reaches_further(
    sis_site: SisSite, headers: dict[str, str], form: str, bad: str
) -> None:
    wanted = form.format(bad)
    for version in ("1.1", "1.2"):
        base = sis_site.base(version).removeprefix(sis_site.address)
        answer = ask(sis_site, f"{base}/users", headers, {"filter": wanted, "fields": "sourcedId"})
        if answer.status == 200 and form == "sourcedId='{}'" and "OR" not in bad:
            assert answer.json() == {"users": []}


ADDRESSES = [
    "/ims/../oauth/token",
    "/ims/%0d%0aX-Injected:1",
    *(
        f"/ims/oneroster/v1p1{below}"
        for below in (
            *(
                "/../../../health",
                "/users/..",
                "/%2e%2e/users",
                "/users/%00",
                "/users/%",
                "/users/%zz",
                "/users/%ff%fe",
            ),
            *("/users/%ED%A0%80", "/users?%ff=%fe", "/users?filter=%ff%fe", "/schools/%22%3E%3C/students"),
            *("/schools/%C3%A9%20%2C/students", "/ims/oneroster/v1p1" * 40 + "/orgs", "/classes" * 3000),
            *(
                "/schools" + "/classes" * 90 + "/students",
                "/users?" + "a=1&" * 8000,
                "/users?fields=" + "a," * 20000,
            ),
            "/users?filter=" + quote(" OR ".join(["sourcedId='x'"] * 900)),
            *("/discovery/../../../etc/passwd", "/discovery/%2e%2e%2fx"),
        )
    ),
]


@pytest.mark.parametrize("path", ADDRESSES, ids=lambda path: path[:60])
def test_no_address_leads_astray(sis_site: SisSite, headers: dict[str, str], path: str) -> None:
    answer = ask(sis_site, path, headers)
    links = answer.headers.get("Link", "")
    assert links.isascii()
    assert not re.search(r'[ "<>]', "".join(re.findall(r"<([^;]*)>", links)))


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "Host"])
@pytest.mark.parametrize(
    "bad",
    [
        'x","y":"',
        "evil.example/path",
        "a b",
        "<script>",
        "x\ty",
        "evil.example:99999999",
        "[::1",
        "@",
    ],
)
def test_no_header_gets_into_an_answer_but_as_an_address(
    sis_site: SisSite, headers: dict[str, str], header: str, bad: str
) -> None:
    answer = http.request("GET", f"{sis_site.base()}/users?limit=1", headers={**headers, header: bad})
    if answer.status == 400:  # the server of HTTP itself took offence
        return
    href = answer.json()["users"][0]["orgs"][0]["href"]
    assert href.startswith(f"{sis_site.base()}/orgs/")


def test_every_operation_refuses_who_brings_nothing(sis_site: SisSite) -> None:
    for endpoint in ENDPOINTS:
        for version in ("1.1", "1.2"):
            path = re.sub(r"\{\w+\}", "x", endpoint.path)
            for method in ("GET", "HEAD"):
                answer = http.request(method, sis_site.base(version) + path)
                assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)
            assert http.request("DELETE", sis_site.base(version) + path).status == 405
