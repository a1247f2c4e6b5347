"""A token, however a client asks for one; and what it opens."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import urllib3

from homeroom.oneroster.endpoints import SCOPE_PREFIX, V1P1, V1P2
from tests.conftest import SisSite
from tests.ports import free_port
from tests.program import wait_for
from tests.wire.calls import http

V1P1_SCOPES, V1P2_SCOPES = SCOPE_PREFIX[V1P1], SCOPE_PREFIX[V1P2]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GRANT = "grant_type=client_credentials"


def basic(
    site: SisSite, scheme: str = "Basic", *, encoded: bool = False, key: str = "", secret: str = ""
) -> dict[str, str]:
    pair = (key or site.key, secret or site.secret)
    said = ":".join("".join(f"%{ord(c):02X}" for c in part) if encoded else part for part in pair)
    return {"Authorization": f"{scheme} {base64.b64encode(said.encode()).decode()}"}


def ask(
    site: SisSite, path: str = "/oauth/token", body: str = "", **headers: str
) -> urllib3.BaseHTTPResponse:
    return http.request("POST", site.address + path, body=body, headers=headers)


def opens(site: SisSite, token: str, path: str = "/orgs?limit=1") -> int:
    return http.request("GET", site.base() + path, headers={"Authorization": f"Bearer {token}"}).status


def pair(site: SisSite) -> str:
    return urlencode({"client_id": site.key, "client_secret": site.secret})


def multipart(**fields: str) -> dict[str, str]:
    """A form as `curl -F` and the form-data of Postman send it."""
    body, content_type = urllib3.encode_multipart_formdata(fields)
    return {"body": body.decode(), "Content-Type": content_type}


def chunked(site: SisSite) -> urllib3.BaseHTTPResponse:
    body = [f"{GRANT}&{pair(site)}".encode()]
    return http.request("POST", f"{site.address}/oauth/token", body=body, headers=FORM, chunked=True)


JSON = {"Content-Type": "application/json"}
WITH_SCOPE = f"{GRANT}&scope={quote(V1P2_SCOPES + 'roster.readonly')}"
WAYS: dict[str, Callable[[SisSite], urllib3.BaseHTTPResponse]] = {
    "basic, form body": lambda site: ask(site, body=GRANT, **FORM, **basic(site)),
    "basic, empty body": lambda site: ask(site, **FORM, **basic(site)),
    "basic, no body and no type": lambda site: ask(site, **basic(site)),
    "basic in lower case": lambda site: ask(site, body=GRANT, **FORM, **basic(site, "basic")),
    "basic, percent-encoded": lambda site: ask(site, body=GRANT, **FORM, **basic(site, encoded=True)),
    "form body": lambda site: ask(site, body=f"{GRANT}&{pair(site)}", **FORM),
    "query string": lambda site: ask(site, f"/oauth/token?{GRANT}&{pair(site)}"),
    "basic, query string": lambda site: ask(site, f"/oauth/token?{WITH_SCOPE}", **FORM, **basic(site)),
    "json": lambda site: ask(
        site,
        body=json.dumps(
            {"grant_type": "client_credentials", "client_id": site.key, "client_secret": site.secret}
        ),
        **JSON,
    ),
    "json, basic": lambda site: ask(site, body='{"grant_type": "client_credentials"}', **JSON, **basic(site)),
    "json type, form body": lambda site: ask(site, body=f"{GRANT}&{pair(site)}", **JSON),
    "scopes as a list": lambda site: ask(site, body='{"scope": ["roster.readonly"]}', **JSON, **basic(site)),
    "scopes one by one": lambda site: ask(
        site, body="scope=roster.readonly&scope=openid", **FORM, **basic(site)
    ),
    "no grant_type": lambda site: ask(site, body=pair(site), **FORM),
    "a type with a charset": lambda site: ask(
        site, body=GRANT, **{"Content-Type": f"{FORM['Content-Type']}; charset=UTF-8"}, **basic(site)
    ),
    "in chunks": chunked,
    "a multipart form": lambda site: ask(site, **multipart(client_id=site.key, client_secret=site.secret)),
    "a multipart form, basic": lambda site: ask(
        site, **multipart(grant_type="client_credentials"), **basic(site)
    ),
    "another type": lambda site: ask(site, body=f"{GRANT}&{pair(site)}", **{"Content-Type": "text/plain"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_asking_is_understood(sis_site: SisSite, way: str) -> None:
    answer = WAYS[way](sis_site)
    said = answer.json()
    assert answer.status == 200, said
    assert (said["token_type"].lower(), said["expires_in"]) == ("bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert opens(sis_site, said["access_token"]) == 200


@pytest.mark.parametrize(
    "path",
    ["/oauth/token", "/oauth/token/", "//oauth//token", "/oauth/access_token", "/oauth2/token", "/ims/oneroster/token",
     "/ims/oneroster/v1p1/token", "/ims/oneroster/v1p1/Token", "/ims/oneroster/v1p2/token", "/ims/oneroster/rostering/v1p2/token",
     "/ims/oneroster/rostering/v1p2/token/", "/ims/oneroster/v1p2/rostering/v1p2/token", "/oauth/token?appName=minga",
     "/ims/oneroster/v1p1/oauth/token", "/ims/oneroster/rostering/v1p2/oauth2/token", "/ims/oneroster/oauth/access_token"],
)  # fmt: skip
def test_every_address_of_tokens_is_answered(sis_site: SisSite, path: str) -> None:
    assert ask(sis_site, path, GRANT, **FORM, **basic(sis_site)).status == 200


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (V1P1_SCOPES + "roster.readonly", "users demographics-no"),
        (V1P2_SCOPES + "roster.readonly", "users demographics-no"),
        ((V1P2_SCOPES + "roster.readonly").replace("https", "http"), "users demographics-no"),
        (f"{V1P1_SCOPES}roster.readonly {V1P2_SCOPES}roster-demographics.readonly", "users demographics"),
        ("roster.readonly", "users demographics-no"),
        ("roster-core.readonly,roster-demographics.readonly", "users demographics"),
        ("one-roster-api:" + V1P1_SCOPES + "roster.readonly", "users demographics-no"),
        (V1P2_SCOPES + "roster-core.readonly", "users demographics-no lists-no"),
        (V1P2_SCOPES + "roster-demographics.readonly", "users-no demographics"),
        (f"{V1P2_SCOPES}roster.readonly {V1P2_SCOPES}gradebook.readonly openid", "users demographics-no"),
        ("", "users demographics"),
    ],
)
def test_scopes_are_read_whatever_stands_before_them(sis_site: SisSite, scope: str, granted: str) -> None:
    answer = ask(sis_site, body=f"{GRANT}&{urlencode({'scope': scope})}", **FORM, **basic(sis_site))
    said = answer.json()
    paths = {
        "users": "/users?limit=1",
        "demographics": "/demographics?limit=1",
        "lists": "/schools/school-001/students?limit=1",
    }
    for word in granted.split():
        name, _, refused = word.partition("-")
        for version in ("1.1", "1.2"):
            headers = {"Authorization": f"bearer {said['access_token']}"}
            answer = http.request("GET", sis_site.base(version) + paths[name], headers=headers)
            assert answer.status == (403 if refused else 200), (word, version)
            assert not refused or "scope" in answer.data.decode()
    assert set(said["scope"].split()) <= set(scope.replace(",", " ").split()) or not scope


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("grant_type=password", 400, "unsupported_grant_type"),
        (f"{GRANT}&scope=something.else", 400, "invalid_scope"),
        (f"{GRANT}&scope={V1P2_SCOPES}gradebook.readonly", 400, "invalid_scope"),
    ],
)
def test_what_cannot_be_granted_is_said_as_oauth_says_it(
    sis_site: SisSite, body: str, status: int, error: str
) -> None:
    answer = ask(sis_site, body=body, **FORM, **basic(sis_site))
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Bearer x", "Basic \xff"],
)
def test_a_header_that_is_no_pair_is_refused(sis_site: SisSite, header: str) -> None:
    answer = ask(sis_site, body=GRANT, **FORM, Authorization=header)
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("body", ["{", "[1]", '"x"', '{"scope": 5, "client_id": {}}', "%ff=%fe&&&=", "\0"])
def test_a_body_that_is_nothing_is_refused(sis_site: SisSite, body: str) -> None:
    assert ask(sis_site, body=body, **{"Content-Type": "application/json"}).status == 401


def test_the_scope_of_a_multipart_form_is_what_is_granted(sis_site: SisSite) -> None:
    answer = ask(sis_site, **multipart(scope=V1P2_SCOPES + "roster-core.readonly"), **basic(sis_site))
    assert answer.json()["scope"] == V1P2_SCOPES + "roster-core.readonly"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", "--x\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name*=utf-8''%ff\r\n\r\n1\r\n--x--"),
        ("multipart/form-data; boundary=x", "--x\r\n\r\nnameless\r\n--x"),
        ('multipart/form-data; boundary="', "client_id=a"),
        ("multipart/", ""),
    ],
)  # fmt: skip
def test_a_multipart_form_that_is_none_is_refused(sis_site: SisSite, content_type: str, body: str) -> None:
    assert ask(sis_site, body=body, **{"Content-Type": content_type}).status == 401


def test_other_methods_are_told_the_right_one(sis_site: SisSite) -> None:
    address = f"{sis_site.address}/oauth/token"
    assert http.request("GET", address).status == 405
    assert (
        http.request("GET", address).headers["Allow"]
        == http.request("OPTIONS", address).headers["Allow"]
        == "POST, OPTIONS"
    )


def test_a_new_token_leaves_the_others_alive(sis_site: SisSite) -> None:
    tokens = [ask(sis_site, body=GRANT, **FORM, **basic(sis_site)).json()["access_token"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [opens(sis_site, token) for token in tokens] == [200, 200, 200]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("header", ["", "Bearer unknown", "Bearer ", "Bearer", "token x", "Bearer \xff"])
def test_without_a_good_token_the_standards_error_and_a_challenge(
    sis_site: SisSite, version: str, header: str
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = http.request("GET", f"{sis_site.base(version)}/users", headers=headers)
    said: Any = answer.json()
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="OneRoster"')
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == bool(header)
    code = (
        said["statusInfoSet"][0]["imsx_codeMinor"]
        if version == "1.1"
        else said["imsx_CodeMinor"]["imsx_codeMinorField"][0]
    )
    assert code in (
        "unauthorized",
        {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "unauthorisedrequest"},
    )


@pytest.mark.slow
def test_a_server_says_neither_token_nor_secret(odd_site: SisSite) -> None:
    port = free_port()
    process = odd_site.program.start("sis", "serve", "--port", str(port))
    site = replace(odd_site, address=wait_for(f"http://127.0.0.1:{port}", process))
    token = ask(site, body=GRANT, **FORM, **basic(site)).json()["access_token"]
    ask(site, f"/oauth/token?{GRANT}&{pair(site)}")
    ask(site, body=GRANT, **FORM, **basic(site, secret="not it"))
    assert opens(site, token) == 200
    assert opens(site, token, f"/users?filter=familyName='{token}'") == 200
    assert opens(site, token, f"/users?nofilter={token}&limit=x") == 400
    process.terminate()
    said = process.communicate(timeout=30)[0]
    log = site.program("sis", "user", "list", "--json").out
    assert "The SIS side is at" in said
    assert not any(word in text for word in (token, site.secret) for text in (said, log))
