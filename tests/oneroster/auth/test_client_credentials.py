"""Asking for a token without a wire: what is sent in each style, what a reply means, which style comes next."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from homeroom.oneroster.auth.client_credentials import (
    MOST_STYLES,
    STYLES,
    Token,
    TokenRefused,
    likelihood,
    next_style,
    read_token,
    token_request,
)
from homeroom.oneroster.auth.credentials import Credentials

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLAIN, ODD = Credentials("key", "secret"), Credentials("key", "se cret+/=")
URL = "https://s.example/oauth2/token?appName=app"


def refusal(status: int, **said: str) -> TokenRefused:
    found = read_token(status, json.dumps(said).encode() if said else b"", "", NOW)
    assert isinstance(found, TokenRefused)
    return found


def order(answer: TokenRefused, known: Credentials = PLAIN, first: str = "") -> list[str]:
    """The styles tried at a server that always answers so."""
    tried: list[tuple[str, TokenRefused]] = []
    while style := next_style(tried, known, first):
        tried.append((style, answer))
    return [name for name, _ in tried]


def test_a_refused_secret_is_sent_as_basic_and_in_the_body_and_then_no_more() -> None:
    assert order(refusal(401, error="invalid_client")) == ["basic", "body"]
    assert order(refusal(401)) == ["basic", "body"]
    assert order(refusal(400, error="invalid_client")) == ["basic", "body"]
    assert order(refusal(401, error="invalid_client"), ODD) == ["basic", "body", "basic_unencoded"]


def test_a_scope_that_is_not_known_is_left_out_at_the_place_that_was_right() -> None:
    assert order(refusal(400, error="invalid_scope")) == [
        *("basic", "basic_without_scope", "basic_core", "basic_empty_body", "basic_query")
    ]


def test_where_no_tokens_are_given_one_try_is_enough() -> None:
    assert order(refusal(404)) == ["basic"]
    assert order(refusal(302)) == ["basic"]
    assert order(refusal(500)) == ["basic", "body"]


def test_any_other_answer_ends_after_a_few() -> None:
    assert len(order(refusal(400, error="invalid_request"))) == MOST_STYLES
    assert order(refusal(400, error="invalid_request"), first="body")[0] == "body"


@pytest.mark.parametrize("style", STYLES)
def test_each_style_says_grant_and_credentials_once_and_keeps_the_query_of_the_address(style: str) -> None:
    asked = token_request(URL, ODD, style, "1.1")
    form, query = parse_qs(asked.body.decode()), parse_qs(urlsplit(asked.url).query)
    assert query["appName"] == ["app"]
    basic = asked.headers.get("Authorization", "").removeprefix("Basic ")
    assert bool(basic) != ("client_secret" in form)
    if basic:
        decoded = base64.b64decode(basic).decode()
        assert decoded == ("key:se cret+/=" if style == "basic_unencoded" else "key:se+cret%2B%2F%3D")
    else:
        assert form["client_secret"] == [ODD.secret]
    said = query if style == "basic_query" else form
    assert ("grant_type" in said) == (style != "basic_empty_body")
    assert ODD.secret not in asked.url


def test_a_token_is_renewed_before_its_end_and_odd_lives_are_bounded() -> None:
    def life(said: object) -> timedelta:
        found = read_token(200, json.dumps({"access_token": "t", "expires_in": said}).encode(), "", NOW)
        assert isinstance(found, Token)
        return found.ends_at - NOW

    assert life(3600) == timedelta(minutes=59, seconds=30)
    assert life("21600") == timedelta(hours=6, seconds=-30)
    assert life(None) == life("soon") == timedelta(minutes=59, seconds=30)
    assert life(0) == life(-5) == timedelta(seconds=30)
    assert life(10**9) == timedelta(days=1, seconds=-30)
    assert life(1e300) == timedelta(minutes=59, seconds=30)


def test_no_description_repeats_what_a_server_said_but_a_word() -> None:
    assert refusal(400, error="invalid_request").description == "HTTP 400, invalid_request"
    assert refusal(400, error="secret is hunter2").description == "HTTP 400"


@pytest.mark.parametrize(
    ("status", "body", "like"),
    [
        (400, b'{"error": "invalid_request"}', 2),
        (401, b'{"error": "invalid_client"}', 2),
        (200, b'{"access_token": "x"}', 2),
        (401, b"<html>401</html>", 1),
        (401, b"", 1),
        (500, b"", 1),
        (404, b'{"error": "not_found"}', 0),
        (405, b"", 0),
        (200, b"<html>welcome</html>", 0),
        (200, b"{}", 0),
        (302, b"", 0),
    ],
)
def test_an_answer_to_a_knock_tells_how_likely_a_token_service_is(
    status: int, body: bytes, like: int
) -> None:
    assert likelihood(status, body) == like
