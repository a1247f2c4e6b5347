"""Finding a server from whatever address was pasted, however it wants to be asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from oauthlib.oauth1 import Client

from homeroom.oneroster.exchange import Exchange
from homeroom.sync.sources.rest import RestSettings, RestSource
from homeroom.sync.sources.testing import test as try_connection
from tests.wire.misbehaving import Answer, Asked, Bend, server, user

PEOPLE = [user(number) for number in range(5)]


def tried(
    bend: Bend, address: Callable[[str], str] = lambda at: f"{at}/ims/oneroster/v1p1", token_url: str = ""
) -> Any:
    with server(PEOPLE, bend) as at:
        settings = RestSettings(address(at.address), "key", "secret", token_url and at.address + token_url)
        answer = try_connection(RestSource(settings, exchange=Exchange(sleep=lambda _: None)), "004")
        return answer, at.asked


def plain(asked: Asked, answer: Answer) -> Answer:
    return answer


def authorized(asked: Asked) -> bool:
    return asked.headers.get("Authorization", "").startswith("Bearer token-1")


def guarded(asked: Asked, answer: Answer) -> Answer:
    """Nothing without the token."""
    return answer if asked.path.endswith("token") or authorized(asked) else Answer(401, b"{}")


@pytest.mark.parametrize(
    "address",
    [
        lambda at: at,
        lambda at: at + "/",
        lambda at: f"{at}/ims/oneroster/v1p1/",
        lambda at: f"{at}/ims/oneroster/v1p1/orgs",
        lambda at: f"{at}/ims/oneroster/v1p1/users?limit=5&offset=0",
        lambda at: f"  {at}/ims/oneroster/v1p1  ",
        lambda at: f"{at}/ims/oneroster",
        lambda at: f"{at}/ims/oneroster/v1p1/schools/org-lincoln/students",
    ],
    ids=["bare host", "slash", "full", "orgs", "query", "blanks", "prefix", "deep"],
)
def test_whatever_was_pasted_leads_to_the_base(address: Callable[[str], str]) -> None:
    answer, asked = tried(guarded, address)
    assert answer.ok, answer.checks
    assert answer.profile["base_url"].endswith("/ims/oneroster/v1p1")
    assert len(asked) < 40  # few enough not to trip a lock-out


@pytest.mark.parametrize(
    "path",
    ["/ims/oneroster/v1p1/token", "/oauth/token", "/token", "/ims/oneroster/token", "/oauth/access_token"],
)
def test_the_token_is_found_where_servers_keep_it(path: str) -> None:
    def elsewhere(asked: Asked, answer: Answer) -> Answer:
        good = json.dumps({"access_token": "token-1", "expires_in": 60}).encode()
        if asked.path == path:
            return Answer(200, good)
        return Answer(404, b"not here") if "token" in asked.path else guarded(asked, answer)

    answer, _ = tried(elsewhere)
    assert answer.ok, answer.checks
    assert answer.profile["token_url"].endswith(path)


def test_a_given_token_address_is_used_with_its_query() -> None:
    def odd(asked: Asked, answer: Answer) -> Answer:
        if asked.path == "/auth/realms/x/token-endpoint" and asked.query == {"tenant": "7"}:
            return Answer(200, json.dumps({"access_token": "token-1"}).encode())
        return Answer(404, b"") if "token" in asked.path else guarded(asked, answer)

    answer, _ = tried(odd, token_url="/auth/realms/x/token-endpoint?tenant=7")
    assert answer.ok, answer.checks


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_a_server_that_wants_signatures_is_signed_for(method: str) -> None:
    def signed_only(asked: Asked, answer: Answer) -> Answer:
        header = asked.headers.get("Authorization", "")
        if asked.path.endswith("token"):
            return Answer(404, b"<html>nothing</html>")
        return answer if header.startswith("OAuth ") and f'"{method}"' in header else Answer(401, b"{}")

    answer, _ = tried(signed_only)
    assert answer.ok, answer.checks
    assert answer.profile["auth"] == ("oauth1-sha1" if method == "HMAC-SHA1" else "oauth1-sha256")
    assert Client  # the method names are oauthlib's


def test_credentials_in_the_body_are_tried_too() -> None:
    def wants_body(asked: Asked, answer: Answer) -> Answer:
        if asked.path.endswith("token") and asked.headers.get("Authorization"):
            return Answer(401, b'{"error": "invalid_client"}')
        return guarded(asked, answer)

    answer, _ = tried(wants_body)
    assert answer.ok, answer.checks
    assert answer.profile["token_style"] != "basic"


def test_cookies_of_the_token_reply_are_kept() -> None:
    def sticky(asked: Asked, answer: Answer) -> Answer:
        if asked.path.endswith("token"):
            return Answer(200, answer.body, {"Set-Cookie": "node=7; Path=/; HttpOnly"})
        return answer if "node=7" in asked.headers.get("Cookie", "") else Answer(401, b"{}")

    answer, _ = tried(sticky)
    assert answer.ok, answer.checks


def test_a_server_without_totals_links_or_large_pages_works() -> None:
    def poor(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith(("/users", "/orgs")):
            return guarded(asked, answer)
        word = asked.path.rsplit("/", 1)[1]
        return Answer(200, json.dumps({word: json.loads(answer.body)[word][:2]}).encode())

    answer, _ = tried(poor)
    assert answer.ok, answer.checks
    assert answer.profile["total_count"] is False


@pytest.mark.parametrize(
    ("bend", "point"),
    [
        (
            lambda asked, answer: (
                Answer(401, b'{"error": "invalid_client"}') if "token" in asked.path else Answer(401, b"{}")
            ),
            "token",
        ),
        (
            lambda asked, answer: (
                Answer(200, json.dumps({"orgs": []}).encode()) if asked.path.endswith("/orgs") else answer
            ),
            "schools",
        ),
        (lambda asked, answer: Answer(404, b"<html>nothing</html>"), ""),
        (lambda asked, answer: Answer(500, b""), ""),
        (lambda asked, answer: Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}), ""),
        (lambda asked, answer: Answer(302, b"", {"Location": "https://sis.example/login"}), ""),
    ],
    ids=["refused", "no schools", "nothing there", "broken", "web page", "redirect"],
)
def test_what_fails_is_one_point_with_a_cure(bend: Bend, point: str) -> None:
    answer, asked = tried(bend)
    failed = [check for check in answer.checks if check.ok is False]
    assert failed
    assert failed[-1].cure or failed[0].cure
    assert not point or point in {check.name for check in failed}
    assert len(asked) < 80
