"""Servers that misbehave: what is read all the same, and that no reading passes for complete which is not.

Each row: the fault, how many of the 25 people come through, and whether the reading may be called complete.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.wire.misbehaving import Answer, Asked, Bend, Server, server, user

PEOPLE = [user(number) for number in range(25)]


def reader(at: Server, *, limit: int = 10, keyset: bool = False) -> RestSource:
    """A source that knows the server, waits for nothing, and reads pages of ten."""
    profile = Profile(
        "1.1",
        at.base,
        token_url=f"{at.address}/oauth/token",
        max_limit=limit,
        total_count=True,
        keyset=keyset,
    )
    return RestSource(RestSettings(at.base, "key", "secret"), profile, Exchange(sleep=lambda _: None))


def read(people: list[dict[str, Any]], bend: Bend, **how: Any) -> tuple[RestSource, list[str]]:
    with server(people, bend) as at:
        source = reader(at, **how)
        ids = [record.sourced_id for page in source.people() for record in page]
    return source, ids


def users(change: Callable[[Asked, Answer], Answer]) -> Bend:
    """A bend of /users alone."""
    return lambda asked, answer: change(asked, answer) if asked.path.endswith("/users") else answer


def header(**headers: str) -> Bend:
    return users(
        lambda asked, answer: Answer(
            answer.status,
            answer.body,
            {**answer.headers, **{n.replace("_", "-"): v for n, v in headers.items()}},
        )
    )


def without_total(asked: Asked, answer: Answer) -> Answer:
    return Answer(
        answer.status,
        answer.body,
        {name: value for name, value in answer.headers.items() if name != "X-Total-Count"},
    )


def once(answer_: Answer) -> Bend:
    """The second page fails once, then comes."""
    return users(lambda asked, answer: answer_ if asked.before == 1 else answer)


def always_second(answer_: Answer) -> Bend:
    return users(lambda asked, answer: answer_ if asked.query.get("offset") == "10" else answer)


def clamped(asked: Asked, answer: Answer) -> Answer:
    rows = json.loads(answer.body)["users"][:4]
    return Answer(200, json.dumps({"users": rows}).encode(), answer.headers)


def page_as_total(asked: Asked, answer: Answer) -> Answer:
    rows = json.loads(answer.body)["users"]
    return Answer(200, answer.body, {"X-Total-Count": str(len(rows))})


def past_the_end_is_404(asked: Asked, answer: Answer) -> Answer:
    return Answer(404, b"{}") if int(asked.query.get("offset", 0)) >= 25 else answer


def one_moved(asked: Asked, answer: Answer) -> Answer:
    if asked.query.get("offset") != "10":
        return answer
    rows = json.loads(answer.body)["users"]
    return Answer(200, json.dumps({"users": [user(9), *rows[:-1]]}).encode(), answer.headers)


def moving_revision(asked: Asked, answer: Answer) -> Answer:
    return Answer(200, answer.body, {**answer.headers, "x-perm-rev": str(asked.before)})


def elsewhere(asked: Asked, answer: Answer) -> Answer:
    return Answer(
        200, answer.body, {**answer.headers, "Link": '<http://evil.example/users?offset=10>; rel="next"'}
    )


HTML = Answer(200, b"<html><body>Please sign in</body></html>", {"Content-Type": "text/html"})
FAULTS = [
    ("nothing wrong", users(lambda asked, answer: answer), 25, True),
    ("no totals", users(without_total), 25, True),
    ("pages shorter than asked", users(clamped), 25, True),
    ("a page past the end is a 404", users(past_the_end_is_404), 25, True),
    ("a 503 in mid-run, once", once(Answer(503, b"")), 25, True),
    ("a 429 with Retry-After, once", once(Answer(429, b"", {"Retry-After": "1"})), 25, True),
    ("a 401 in mid-run, once", once(Answer(401, b"{}")), 25, True),
    ("the next link points at another host", users(elsewhere), 25, True),
    (
        "a byte order mark and blanks before the JSON",
        users(lambda a, answer: Answer(200, b"\xef\xbb\xbf \n" + answer.body, answer.headers)),
        25,
        True,
    ),
    ("a total that is too high", header(X_Total_Count="26"), 25, False),
    ("a total that is too low", header(X_Total_Count="20"), 20, False),
    ("a total that counts one page only", users(page_as_total), 10, False),
    ("the second page is always a 500", always_second(Answer(500, b"")), 10, False),
    ("the second page is a sign-in page with 200", always_second(HTML), 10, False),
    ("the second page is cut JSON", always_second(Answer(200, b'{"users": [{"sourcedId": "u0')), 10, False),
    (
        "the second page is empty",
        always_second(Answer(200, b'{"users": []}', {"X-Total-Count": "25"})),
        10,
        False,
    ),
    ("the second page is refused", always_second(Answer(403, b"{}")), 10, False),
    ("a row moved between pages", users(one_moved), 10, False),
    ("the data changed while it was read", users(moving_revision), 10, False),
]


@pytest.mark.parametrize(
    ("bend", "received", "complete"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_costs_no_more_than_it_must(bend: Bend, received: int, complete: bool) -> None:
    source, ids = read(PEOPLE, bend)
    proof = source.evidence["users"]
    assert proof.complete == complete
    assert bool(proof.trouble) != complete
    assert len(set(ids)) >= received
    assert not complete or len(ids) == 25


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25])
@pytest.mark.parametrize("keyset", [True, False])
def test_every_size_is_read_to_its_end(size: int, keyset: bool) -> None:
    source, ids = read(PEOPLE[:size], users(lambda asked, answer: answer), keyset=keyset)
    assert len(ids) == size
    assert source.evidence["users"].complete


def test_a_server_that_ignores_filters_is_not_read_by_keyset_for_ever() -> None:
    def deaf(asked: Asked, answer: Answer) -> Answer:
        return Answer(200, json.dumps({"users": PEOPLE[:10]}).encode(), {"X-Total-Count": "25"})

    source, _ = read(PEOPLE, users(deaf), keyset=True)
    assert "order" in source.evidence["users"].trouble


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HTML, "web page"),
        (Answer(200, b"not json at all"), "not JSON"),
        (Answer(200, b'{"people": []}'), "users"),
        (Answer(403, b"{}"), "not allow"),
        (Answer(302, b"", {"Location": "http://evil.example/"}), "evil.example"),
    ],
)
def test_a_first_page_that_cannot_be_used_fails_with_a_cure(answer: Answer, says: str) -> None:
    with pytest.raises(SourceFailed, match=says) as failed:
        read(PEOPLE, users(lambda asked, good: answer))
    assert failed.value.cure


def test_credentials_never_go_to_another_host() -> None:
    with server(PEOPLE) as other:
        link = {"Link": f'<{other.base}/users?offset=10>; rel="next"'}
        _, ids = read(
            PEOPLE, users(lambda asked, answer: Answer(200, answer.body, {**answer.headers, **link}))
        )
        assert other.asked == []
    assert len(ids) == 25


def test_secrets_are_never_in_an_address() -> None:
    with server(PEOPLE) as at:
        source = reader(at)
        assert len([record for page in source.people() for record in page]) == 25
        assert not [asked for asked in at.asked if "secret" in json.dumps([asked.path, asked.query])]
