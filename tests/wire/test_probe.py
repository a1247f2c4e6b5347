"""Finding a server from whatever address was pasted, however it wants to be asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.presets import PRESETS
from homeroom.oneroster.probe import MOST_WITH_CREDENTIALS, Found, Known, probe
from tests.wire.misbehaving import Answer, Asked, Server, server, user

PEOPLE = [user(number) for number in range(5)]
SECRET = "tell-nobody"
MOST_REQUESTS = 60  # of a probe in all, knocks and credentials together
NOTHING = Answer(404, b"")
GOOD = json.dumps({"access_token": "token-1", "expires_in": 3600}).encode()
BEARER = {"WWW-Authenticate": 'Bearer realm="OneRoster"'}


def find(at: Server, url: str = "", token_url: str = "", sis: str = "", version: str = "") -> Found:
    known = Known(token_url, sis, version)
    return probe(url or at.base, Credentials("key", SECRET), Exchange(sleep=lambda _: None), known)


def carries_credentials(asked: Asked) -> bool:
    """Whether a request brings key, secret or token, wherever it may have put them."""
    return "Authorization" in asked.headers or SECRET in asked.body.decode()


def is_token_call(asked: Asked) -> bool:
    return asked.method == "POST"


def with_token(asked: Asked) -> bool:
    return asked.headers.get("Authorization") == "Bearer token-1"


def guarded(asked: Asked, answer: Answer) -> Answer:
    """Nothing without the token, nor a token without key and secret."""
    if is_token_call(asked):
        refused = Answer(401, b'{"error": "invalid_client"}')
        return answer if carries_credentials(asked) or answer.status == 404 else refused
    return answer if with_token(asked) else Answer(401, b"{}", BEARER)


@dataclass
class Place:
    """A server whose API and tokens are where a test puts them: everything else is 404."""

    base: str = "/ims/oneroster/v1p1"
    tokens: str = "/oauth/token"
    orgs: list[dict[str, str]] = field(
        default_factory=lambda: [{"sourcedId": "1", "name": "L", "type": "school"}]
    )
    accepts: Callable[[Asked], bool] = with_token
    gives: Callable[[Asked], Answer] = lambda asked: (
        Answer(200, GOOD) if carries_credentials(asked) else Answer(400, b'{"error": "invalid_request"}')
    )

    def __call__(self, asked: Asked, _: Answer) -> Answer:
        if asked.path == self.tokens:
            return self.gives(asked)
        if asked.path == f"{self.base}/orgs":
            return (
                Answer(200, json.dumps({"orgs": self.orgs}).encode()) if self.accepts(asked) else Answer(401)
            )
        return NOTHING


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
        lambda at: f"{at}/ims",
        lambda at: f"{at}/ims/oneroster/rostering/v1p2",
        lambda at: f"{at}/ims/oneroster/v1p1/schools/org-lincoln/students",
        lambda at: f"{at}/oauth/token",
    ],
    ids=[
        *("bare host", "slash", "full", "orgs", "query", "blanks", "prefix", "half a prefix"),
        *("other version", "deep", "token address"),
    ],
)
def test_whatever_was_pasted_leads_to_the_base(address: Callable[[str], str]) -> None:
    with server(PEOPLE, guarded) as at:
        found = find(at, address(at.address))
    assert found.profile.base_url == at.base
    assert len(at.asked) < MOST_REQUESTS


@pytest.mark.parametrize("sis", ["", *PRESETS])
def test_whatever_sis_was_chosen_leads_to_the_base(sis: str) -> None:
    base = "/campus/api/ims/oneroster/rostering/v1p2"
    with server([], Place(base)) as at:
        found = find(at, at.address, sis=sis)
    assert found.profile.base_url == at.address + base
    assert len(at.asked) < MOST_REQUESTS


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("/odd/place/ims/oneroster/v1p1", "/odd/place/ims/oneroster/v1p1"),
        ("/odd/place", "/odd/place/ims/oneroster/v1p1"),
        ("/odd", "/odd/api/ims/oneroster/v1p1"),
        ("/campus/api/oneroster/v1p2/app", "/campus/api/oneroster/v1p2/app/ims/oneroster/rostering/v1p2"),
        ("/ims/oneroster/v1p2", "/ims/oneroster/v1p2"),
        ("/ims/oneroster/v1p2", "/ims/oneroster/v1p2/rostering/v1p2"),
        ("/gateway/v1p1", "/gateway/v1p1"),
        ("/sign-in/page.aspx", "/ims/oneroster/v1p1"),
        ("/focus/Modules.php", "/focus/ims/oneroster/v1p1"),
    ],
)
def test_odd_prefixes_are_found(url: str, base: str) -> None:
    with server([], Place(base)) as at:
        assert find(at, at.address + url).profile.base_url == at.address + base


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/ims/oneroster/v1p1/token",
            "/oauth/token",
            "/token",
            "/ims/oneroster/token",
            "/oauth/access_token",
        ),
        *("/oauth2/token", "/campus/oauth2/token"),
    ],
)
def test_the_token_is_found_where_servers_keep_it_and_the_secret_goes_nowhere_else(path: str) -> None:
    with server([], Place(tokens=path)) as at:
        found = find(at)
    assert found.profile.token_url == at.address + path
    assert {
        asked.path
        for asked in at.asked
        if SECRET in asked.body.decode() or asked.headers.get("Authorization", "").startswith("Basic")
    } == {path}


def test_an_address_that_spoke_of_tokens_and_has_none_is_not_the_last() -> None:
    def two(asked: Asked, answer: Answer) -> Answer:
        """/oauth/token belongs to something else: it answers everybody, and knows nobody like us."""
        if asked.path == "/oauth/token":
            return Answer(404 if carries_credentials(asked) else 401, b'{"error": "invalid_client"}')
        return Place(tokens="/oauth/access_token")(asked, answer)

    with server([], two) as at:
        assert find(at).profile.token_url.endswith("/oauth/access_token")


def test_a_given_token_address_on_another_host_keeps_its_query() -> None:
    def elsewhere(asked: Asked, _: Answer) -> Answer:
        right = asked.path == "/auth/realms/x/connect" and asked.query == {"tenant": "7", "appName": "a b"}
        return Answer(200, GOOD) if right and carries_credentials(asked) else NOTHING

    with server([], elsewhere) as tokens, server([], Place(tokens="/none")) as at:
        given = f"{tokens.address}/auth/realms/x/connect?tenant=7&appName=a%20b"
        found = find(at, token_url=given)
    assert found.profile.token_url == given
    assert not any(is_token_call(asked) for asked in at.asked)


@pytest.mark.parametrize(
    ("gives", "style"),
    [
        (lambda asked: "Authorization" in asked.headers, "basic"),
        (lambda asked: b"client_secret" in asked.body, "body"),
        (
            lambda asked: "Authorization" in asked.headers and b"scope" not in asked.body,
            "basic_without_scope",
        ),
        (lambda asked: b"client_secret" in asked.body and b"scope" not in asked.body, "body_without_scope"),
        (lambda asked: "Authorization" in asked.headers and "grant_type" in asked.query, "basic_query"),
        (lambda asked: "Authorization" in asked.headers and not asked.body, "basic_empty_body"),
        (
            lambda asked: (
                "Authorization" in asked.headers and b"core" in asked.body and b"roster.r" not in asked.body
            ),
            "basic_core",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_token_is_asked_for_as_the_server_wants_it(gives: Callable[[Asked], bool], style: str) -> None:
    def answer(asked: Asked) -> Answer:
        if gives(asked):
            return Answer(200, GOOD)
        if not carries_credentials(asked):
            return Answer(400, b'{"error": "invalid_request"}')
        basic = "Authorization" in asked.headers
        if style.startswith("basic") != basic:
            return Answer(401, b'{"error": "invalid_client"}')
        return Answer(400, b'{"error": "invalid_scope"}' if basic or b"scope" in asked.body else b"{}")

    with server([], Place(gives=answer)) as at:
        assert find(at).profile.token_style == style


@pytest.mark.parametrize("sis", ["", "classlink", "aeries"])
@pytest.mark.parametrize(("method", "auth"), [("HMAC-SHA1", "oauth1-sha1"), ("HMAC-SHA256", "oauth1-sha256")])
def test_a_server_that_wants_signatures_is_signed_for(method: str, auth: str, sis: str) -> None:
    def signed(asked: Asked) -> bool:
        header = asked.headers.get("Authorization", "")
        return header.startswith("OAuth ") and f'"{method}"' in header

    with server([], Place(tokens="", accepts=signed)) as at:
        assert find(at, at.address, sis=sis).profile.auth == auth
    assert sum(map(carries_credentials, at.asked)) <= 5


def test_a_server_that_asks_for_signatures_in_so_many_words_is_signed_for_first() -> None:
    def classlink(asked: Asked, _: Answer) -> Answer:
        if is_token_call(asked):  # another product's, on the same host
            return Answer(401, b'{"error": "invalid_client"}')
        if not asked.path.endswith("/v1p1/orgs"):
            return NOTHING
        signed = asked.headers.get("Authorization", "").startswith("OAuth ")
        challenge = {"WWW-Authenticate": 'OAuth realm="x"'}
        return Answer(200, b'{"orgs": [{"sourcedId": "1"}]}') if signed else Answer(401, b"", challenge)

    with server([], classlink) as at:
        assert find(at).profile.auth == "oauth1-sha256"
    assert not any(is_token_call(asked) for asked in at.asked)


def test_the_secret_may_be_a_bearer_that_never_changes() -> None:
    with server([], Place("/proxy/v1p0/SG9t%3D/ims/oneroster/v1p1", "", accepts=_bearer)) as at:
        assert find(at, f"{at.address}/proxy/v1p0/SG9t%3D").profile.auth == "bearer"


def test_a_404_before_a_refused_signature_proves_nothing() -> None:
    def picky(asked: Asked, _: Answer) -> Answer:
        if not carries_credentials(asked):
            return NOTHING if is_token_call(asked) else Answer(401)
        if "v1p1" not in asked.path:
            return NOTHING
        return Answer(200, b'{"orgs": [{"sourcedId": "1"}]}') if _bearer(asked) else Answer(401)

    with server([], picky) as at:
        assert find(at, at.address).profile.auth == "bearer"


def _bearer(asked: Asked) -> bool:
    return asked.headers.get("Authorization") == f"Bearer {SECRET}"


def test_cookies_of_the_token_reply_go_with_every_call() -> None:
    def gives(asked: Asked) -> Answer:
        return Answer(200, GOOD, {"Set-Cookie": "node=7; Path=/; HttpOnly"})

    with server(
        [], Place(gives=gives, accepts=lambda asked: "node=7" in asked.headers.get("Cookie", ""))
    ) as at:
        found = find(at)
        assert found.profile.cookies
        assert found.session.get("/orgs").status == 200


class TwoVersions:
    """A server that has both versions, or says so."""

    def __init__(self, newer: Answer) -> None:
        self.newer, self.older = newer, Place()

    def __call__(self, asked: Asked, answer: Answer) -> Answer:
        if asked.path == "/ims/oneroster/rostering/v1p2/orgs":
            return self.newer if with_token(asked) else Answer(401)
        return self.older(asked, answer)


@pytest.mark.parametrize(
    ("newer", "version"),
    [
        (Answer(200, b'{"orgs": [{"sourcedId": "1"}]}'), "1.2"),
        (Answer(200, b'{"orgs": []}'), "1.1"),
        (Answer(200, b"<html>Welcome</html>"), "1.1"),
        (Answer(403, b"{}"), "1.1"),
        (Answer(404, b"{}"), "1.1"),
        (Answer(500, b"{}"), "1.1"),
        (Answer(401, b"{}"), "1.1"),
    ],
    ids=["really", "empty", "a page", "forbidden", "nothing", "broken", "refused"],
)
def test_1_2_is_taken_only_where_it_really_answers(newer: Answer, version: str) -> None:
    with server([], TwoVersions(newer)) as at:
        assert find(at, at.address).profile.version == version


def test_a_version_that_is_typed_or_known_is_kept_though_the_other_answers_too() -> None:
    with server([], TwoVersions(Answer(200, b'{"orgs": [{"sourcedId": "1"}]}'))) as at:
        assert find(at, at.base).profile.version == "1.1"
        assert find(at, at.address, version="1.1").profile.version == "1.1"
        assert find(at, at.base, version="1.2").profile.version == "1.2"


def test_each_version_is_asked_with_a_token_for_its_own_scopes() -> None:
    def gives(asked: Asked) -> Answer:
        version = "2" if b"v1p2" in asked.body else "1"
        return Answer(200, json.dumps({"access_token": f"token-{version}"}).encode())

    bend = TwoVersions(Answer(403))
    bend.older = Place(gives=gives)
    with server([], bend) as at:
        assert find(at, at.address).profile.version == "1.1"


class Lock:
    """A SIS that counts what is refused, and locks the key for good at the fourth."""

    def __init__(self, right: Callable[[Asked], bool]) -> None:
        self.right, self.refused = right, 0

    def __call__(self, asked: Asked, answer: Answer) -> Answer:
        if not is_token_call(asked):
            return guarded(asked, answer)
        if not carries_credentials(asked):
            return Answer(401, b'{"error": "invalid_client"}')
        if self.refused < 3 and self.right(asked):
            return Answer(200, GOOD)
        self.refused += 1
        return Answer(401, b'{"error": "invalid_client"}')


def test_a_refused_secret_stops_the_guessing_before_a_lock_out() -> None:
    lock = Lock(lambda asked: False)
    with (
        server(PEOPLE, lock) as at,
        pytest.raises(ExchangeFailed, match="does not accept the API Key") as failed,
    ):
        find(at, at.address)
    assert failed.value.kind == "credentials"
    assert lock.refused == 2  # as Basic, and in the body
    assert sum(map(carries_credentials, at.asked)) == 2


def test_a_server_that_looks_in_the_body_alone_is_found_before_a_lock_out() -> None:
    lock = Lock(lambda asked: "Authorization" not in asked.headers)
    with server(PEOPLE, lock) as at:
        assert find(at, at.address).profile.token_style == "body"
    assert lock.refused == 1


GUARD = Answer(401, b'{"statusInfoSet": [{"imsx_codeMinor": "unauthorized"}]}', BEARER)


def _all_behind_a_guard(asked: Asked, answer: Answer) -> Answer:
    """The token service is elsewhere, and whatever else is asked meets the guard of the API."""
    if asked.path == "/sts/of/ours/token":
        return guarded(asked, answer)
    return answer if with_token(asked) and not is_token_call(asked) else GUARD


def test_what_guards_a_whole_api_is_not_taken_for_tokens_that_are_refused() -> None:
    with server(PEOPLE, _all_behind_a_guard) as at, pytest.raises(ExchangeFailed) as failed:
        find(at)
    assert failed.value.kind == "token"
    assert "does not accept" not in str(failed.value)
    assert "token URL" in failed.value.cure
    assert sum(map(carries_credentials, at.asked)) <= MOST_WITH_CREDENTIALS


@pytest.mark.parametrize("auth", ["OAuth ", "Bearer tell-nobody"])
def test_behind_a_guard_over_everything_signatures_and_bearers_are_tried_all_the_same(auth: str) -> None:
    def bend(asked: Asked, answer: Answer) -> Answer:
        shown = asked.headers.get("Authorization", "").startswith(auth)
        return answer if shown and not is_token_call(asked) else GUARD

    with server(PEOPLE, bend) as at:
        assert find(at).profile.base_url == at.base


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_too_busy_for_anything_gets_no_secret_and_is_called_busy(status: int) -> None:
    with server([], lambda asked, _: Answer(status, b"busy")) as at, pytest.raises(ExchangeFailed) as failed:
        find(at, at.address)
    assert failed.value.kind == "busy"
    assert f"HTTP {status}" in str(failed.value)
    assert "ater" in failed.value.cure
    assert not any(map(carries_credentials, at.asked))


def test_a_gateway_that_is_busy_where_nothing_is_does_not_hide_the_api_elsewhere() -> None:
    there = Place("/api/ims/oneroster/v1p1", "/api/oauth/token")

    def bend(asked: Asked, answer: Answer) -> Answer:
        return there(asked, answer) if asked.path.startswith("/api/") else Answer(503, b"no backend")

    with server([], bend) as at:
        assert find(at, at.address).profile.base_url == f"{at.address}/api/ims/oneroster/v1p1"
    assert not any(carries_credentials(asked) for asked in at.asked if not asked.path.startswith("/api/"))


def test_a_server_that_fails_at_everything_is_not_asked_for_its_token_url() -> None:
    with server([], lambda asked, _: Answer(500, b"oops")) as at, pytest.raises(ExchangeFailed) as failed:
        find(at, at.address)
    assert failed.value.kind == "busy"
    assert "HTTP 500" in str(failed.value)
    assert "token URL" not in failed.value.cure


def test_a_token_url_that_was_typed_and_fails_says_how() -> None:
    broken = Place(gives=lambda asked: Answer(500, b"oops"))
    with server([], broken) as at, pytest.raises(ExchangeFailed, match="HTTP 500"):
        find(at, token_url=f"{at.address}/oauth/token")


@pytest.mark.parametrize(
    "typed", ["http://tokens.example/token", "https://127.0.0.1:9/token", "file:///etc/hosts"]
)
def test_a_token_url_that_cannot_be_called_is_named_as_the_one_at_fault(typed: str) -> None:
    with (
        server([], Place()) as at,
        pytest.raises(ExchangeFailed, match=r"^The token URL cannot be used: ") as failed,
    ):
        find(at, token_url=typed)
    assert failed.value.kind == "token"


UNHELPFUL = [
    Answer(400, b'{"error": "invalid_request"}'),
    Answer(401, b""),
    Answer(401, b"{}"),
    Answer(403, b""),
    Answer(404, b"<html>nothing</html>"),
    Answer(500, b""),
    Answer(503, b""),
    Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    Answer(200, b'{"orgs": []}'),
    Answer(200, b'{"orgs": null, "error": "x", "access_token": "token-1"}'),
    Answer(302, b"", {"Location": "/login"}),
    Answer(302, b"", {"Location": "https://sis.example/login"}),
    Answer(401, b"", {"WWW-Authenticate": "OAuth"}),
]


@pytest.mark.parametrize("answer", UNHELPFUL, ids=lambda a: f"{a.status} {a.body.decode()[:20]} {a.headers}")
@pytest.mark.parametrize("address", ["", "/some/where"])
def test_whatever_a_server_answers_few_requests_carry_credentials(answer: Answer, address: str) -> None:
    with server([], lambda asked, _: answer) as at:
        try:
            find(at, at.address + address)
        except ExchangeFailed as failed:
            assert failed.cure
            assert SECRET not in str(failed) + failed.cure
    assert sum(map(carries_credentials, at.asked)) <= MOST_WITH_CREDENTIALS
    assert len(at.asked) < MOST_REQUESTS


def test_no_redirect_takes_credentials_to_another_host() -> None:
    with server(PEOPLE) as thief:

        def away(asked: Asked, answer: Answer) -> Answer:
            here = guarded(asked, answer)
            sent = Answer(
                307, b"", {"Location": thief.address.replace("127.0.0.1", "localhost") + asked.path}
            )
            return sent if carries_credentials(asked) or not is_token_call(asked) else here

        with server(PEOPLE, away) as at, pytest.raises(ExchangeFailed):
            find(at)
        with server(PEOPLE, away) as at, pytest.raises(ExchangeFailed):
            find(at, token_url=f"{at.address}/oauth/token")
    assert thief.asked == []


def test_a_page_to_sign_in_at_in_place_of_401_is_no_obstacle() -> None:
    def shy(asked: Asked, answer: Answer) -> Answer:
        if asked.path == "/login":
            return Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
        if is_token_call(asked) or with_token(asked):
            return guarded(asked, answer)
        return Answer(302, b"", {"Location": "/login"})

    with server(PEOPLE, shy) as at:
        assert find(at).profile.base_url == at.base


def test_a_server_that_denies_to_be_there_until_it_knows_who_asks_is_found() -> None:
    with server(PEOPLE, _hidden) as at:
        assert find(at).profile.base_url == at.base


def _hidden(asked: Asked, answer: Answer) -> Answer:
    return guarded(asked, answer) if is_token_call(asked) or with_token(asked) else NOTHING


def test_what_was_tried_is_told_without_a_secret() -> None:
    with server(PEOPLE, guarded) as at:
        found = find(at, at.address)
    assert "knock /ims/oneroster/v1p1/orgs: HTTP 401" in "\n".join(found.tried).replace(
        "/v1p1:", "/v1p1/orgs:"
    )
    assert SECRET not in "".join(found.tried)
