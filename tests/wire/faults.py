"""Servers that misbehave, a row each: what they do, what is read of their 25 people all the same, whether that is complete.

The tests try every row; docs/reliability.md shows them.
"""

import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import zstandard

from homeroom.oneroster.bounds import Bounds
from tests.wire.misbehaving import Answer, Asked, Bend, Wire, page, user

PEOPLE = [user(number) for number in range(25)]
# Bounds that a test can reach.
SMALL = Bounds(
    page_bytes=300_000,
    page_values=20_000,
    pages=60,
    rows=399,
    collection_bytes=2_000_000,
    silent_seconds=5,
    answer_seconds=1,
    wait_seconds=300,
)
YEAR_9999 = "Fri, 31 Dec 9999 23:59:59 GMT"
Change = Callable[[Asked, Answer], Answer]


@dataclass(frozen=True)
class Fault:
    """One way to misbehave. `read` = different people that come through in the last attempt; `why` = words of the reason."""

    does: str
    bend: Bend
    read: int = 25
    complete: bool = True
    why: str = ""
    keyset: bool = False
    rekeys: bool = False  # many ids are new with it: a full sync waits for somebody's word


def users(change: Change) -> Bend:
    """A bend of /users alone."""
    return lambda asked, answer: change(asked, answer) if asked.path.endswith("/users") else answer


def always(answer_: Answer) -> Bend:
    """Every page is this."""
    return users(lambda asked, answer: answer_)


def second(answer_: Answer) -> Bend:
    """The second page is always this."""
    return users(lambda asked, answer: answer_ if asked.query.get("offset") == "10" else answer)


def once(answer_: Answer) -> Bend:
    """The second request for people is answered by this, every other one well."""
    return users(lambda asked, answer: answer_ if asked.before == 1 else answer)


def rows_of(answer: Answer) -> list[Any]:
    return list(json.loads(answer.body)["users"])


def body(change: Callable[[bytes], bytes]) -> Bend:
    """The body of every page, changed."""
    return users(lambda asked, answer: replace(answer, body=change(answer.body)))


def rows(change: Callable[[list[Any]], Any]) -> Bend:
    """The list of every page, changed."""
    return body(lambda said: json.dumps({"users": change(json.loads(said)["users"])}).encode())


def packed(encoding: str, pack: Callable[[bytes], bytes]) -> Bend:
    return users(
        lambda asked, answer: replace(
            answer, body=pack(answer.body), headers={**answer.headers, "Content-Encoding": encoding}
        )
    )


def headers(**said: str) -> Bend:
    named = {name.replace("_", "-"): value for name, value in said.items()}
    return users(lambda asked, answer: replace(answer, headers={**answer.headers, **named}))


def without_total(answer: Answer) -> Answer:
    kept = {name: value for name, value in answer.headers.items() if name != "X-Total-Count"}
    return replace(answer, headers=kept)


def silent(bend: Bend) -> Bend:
    """As bent, and no totals."""
    return users(lambda asked, answer: without_total(bend(asked, answer)))


def total(said: Callable[[Asked, Answer], str]) -> Bend:
    return users(
        lambda asked, answer: replace(
            answer, headers={**answer.headers, "X-Total-Count": said(asked, answer)}
        )
    )


def offset(asked: Asked) -> int:
    return int(asked.query.get("offset", 0))


def past_the_end(status: int) -> Bend:
    return users(lambda asked, answer: Answer(status, b"{}") if offset(asked) >= 25 else answer)


def clamped(asked: Asked, answer: Answer) -> Answer:
    return replace(answer, body=json.dumps({"users": rows_of(answer)[:4]}).encode())


def deaf_to_offset(asked: Asked, answer: Answer) -> Answer:
    return page(replace(asked, query={**asked.query, "offset": "0"}), "users", PEOPLE)


def all_at_once(asked: Asked, answer: Answer) -> Answer:
    return page(replace(asked, query={"limit": "100"}), "users", PEOPLE)


def one_moved(asked: Asked, answer: Answer) -> Answer:
    if asked.query.get("offset") != "10":
        return answer
    return replace(answer, body=json.dumps({"users": [user(9), *rows_of(answer)[:-1]]}).encode())


def moved_once(asked: Asked, answer: Answer) -> Answer:
    return (
        one_moved(asked, answer) if asked.before <= 2 else answer
    )  # in the first attempt, whatever came first


def revision(said: Callable[[Asked], str]) -> Bend:
    return users(lambda asked, answer: replace(answer, headers={**answer.headers, "x-perm-rev": said(asked)}))


def link(address: Callable[[Asked], str]) -> Bend:
    return users(
        lambda asked, answer: replace(
            answer, headers={**answer.headers, "Link": f'<{address(asked)}>; rel="next"'}
        )
    )


def cursor(asked: Asked, answer: Answer) -> Answer:
    """Only links lead on: by a cursor, not by an offset, and without totals."""
    at = int(asked.query.get("cursor", 0))
    answer = page(replace(asked, query={"limit": "10", "offset": str(at)}), "users", PEOPLE)
    more = {"Link": f'<{asked.path}?cursor={at + 10}>; rel="next"'} if at < 30 else {}
    return without_total(replace(answer, headers={**answer.headers, **more}))


def hides_a_page(asked: Asked, answer: Answer) -> Answer:
    """Pages are cut first and filtered then, so one of them may be empty; links lead on, and there are no totals."""
    at, everybody = offset(asked), [*PEOPLE[:10], *[None] * 10, *PEOPLE[10:]]
    said = [row for row in everybody[at : at + 10] if row is not None]
    more = {"Link": f'<{asked.path}?limit=10&offset={at + 10}>; rel="next"'} if at < 30 else {}
    body = json.dumps({"users": said}).encode()
    return without_total(replace(answer, body=body, headers={**answer.headers, **more}))


def empty_once(asked: Asked, answer: Answer) -> Answer:
    """The second page of the first attempt, from a server that claims no total."""
    gone = offset(asked) == 10 and asked.before == 1
    return without_total(replace(answer, body=b'{"users": []}') if gone else answer)


def empty_each_time(asked: Asked, answer: Answer) -> Answer:
    return without_total(replace(answer, body=b'{"users": []}') if offset(asked) == 10 else answer)


def unclaimed_404(where: Callable[[int], bool]) -> Bend:
    return users(lambda asked, answer: Answer(404, b"{}") if where(offset(asked)) else without_total(answer))


def cursor_to_the_end(asked: Asked, answer: Answer) -> Answer:
    """As `cursor`, but the last page that has people is the last."""
    answer = cursor(asked, answer)
    last = int(asked.query.get("cursor", 0)) >= 20
    return replace(answer, headers={n: v for n, v in answer.headers.items() if not (last and n == "Link")})


def people_without_end(asked: Asked, answer: Answer) -> Answer:
    some = [user(number) for number in range(1000 + 10 * asked.before, 1010 + 10 * asked.before)]
    return Answer(200, json.dumps({"users": some}).encode())


def unsorted(asked: Asked, answer: Answer) -> Answer:
    if "sort" not in asked.query:
        return answer
    wanted = sorted(PEOPLE, key=lambda row: str(row["sourcedId"])[::-1])
    return Answer(200, json.dumps({"users": wanted[:10]}).encode(), {"X-Total-Count": "25"})


def deaf_to_filters(asked: Asked, answer: Answer) -> Answer:
    return page(replace(asked, query={**asked.query, "filter": ""}), "users", PEOPLE)


def filter_that_skips(asked: Asked, answer: Answer) -> Answer:
    """Beyond an id, three more are left out, and no total tells."""
    if "filter" in asked.query:
        return without_total(replace(answer, body=json.dumps({"users": rows_of(answer)[3:]}).encode()))
    return without_total(answer)


def raw(*parts: bytes, pause: float = 0, repeat: int = 1) -> Answer:
    """An answer put on the wire as it is, in parts."""

    def write(out: Wire) -> None:
        for part in parts[:-1]:
            out.write(part)
        for _ in range(repeat):
            out.write(parts[-1])
            out.flush()
            time.sleep(pause)

    return Answer(write=write)


def reset(out: Wire) -> None:
    """The connection is gone before a byte came."""
    connection: socket.socket = out._sock  # type: ignore[attr-defined]
    connection.shutdown(socket.SHUT_RDWR)


def redirect(address: Callable[[Asked], str]) -> Bend:
    return users(
        lambda asked, answer: (
            answer if "again" in asked.query else Answer(302, b"", {"Location": address(asked)})
        )
    )


def later_pages(address: Callable[[Asked], str]) -> Bend:
    """Every page but the first is a redirect."""
    return users(
        lambda asked, answer: Answer(302, b"", {"Location": address(asked)}) if offset(asked) else answer
    )


def bomb(encoding: str, body: bytes) -> Answer:
    return Answer(200, body, {"Content-Encoding": encoding})


def latin_1(asked: Asked, answer: Answer) -> Answer:
    said = {**answer.headers, "Content-Type": "application/json; charset=iso-8859-1"}
    return replace(answer, body=answer.body.replace(b"Ana", b"An\xe9"), headers=said)


def respelled(spell: Callable[[str], str]) -> Bend:
    return rows(lambda said: [{spell(name): value for name, value in row.items()} for row in said])


def one_long_id(said: list[Any]) -> list[Any]:
    return [{**row, "sourcedId": "u" * 3000} if row["sourcedId"] == "u009" else row for row in said]


def query(asked: Asked) -> str:
    return "&".join(f"{name}={value}" for name, value in asked.query.items())


def nobody_known(said: list[Any]) -> list[Any]:
    return [{**row, "sourcedId": None} if row["sourcedId"] == "u003" else row for row in said]


HTML = Answer(200, b"<html><body>Please sign in</body></html>", {"Content-Type": "text/html"})
EMPTY = Answer(200, b'{"users": []}', {"X-Total-Count": "25"})
CUT = Answer(200, b'{"users": [{"sourcedId": "u0')
SHORT = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b'{"users": [')
CHUNKS = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b'b\r\n{"users": [\r\n')
LORIS = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" ", pause=0.05, repeat=2000)
LORIS_HEADERS = raw(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", pause=0.05, repeat=2000)
LORIS_CHUNK = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", pause=0.05, repeat=2000)
MANY_HEADERS = raw(b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n", repeat=5000)
LONG_HEADER = raw(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 200_000)
BOMB = b'{"users": [' + b" " * 50_000_000 + b"]}"
LATE = format_datetime(datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=1), usegmt=True)

FAULTS = [
    # Paging.
    Fault("nothing", users(lambda asked, answer: answer)),
    Fault("nothing, read by id", users(lambda asked, answer: answer), keyset=True),
    Fault("it claims no total", users(lambda asked, answer: without_total(answer))),
    Fault("it claims no total, read by id", users(lambda asked, answer: without_total(answer)), keyset=True),
    Fault("its total stands in `X-Count`", users(lambda a, x: replace(without_total(x), headers={"X-Count": "25"}))),
    Fault(
        "its total stands in the body",
        users(lambda a, x: replace(without_total(x), body=x.body[:-1] + b', "totalCount": 25}')),
    ),
    Fault("its pages are shorter than asked", users(clamped)),
    Fault("its pages are shorter than asked, and it claims no total", silent(users(clamped))),
    Fault("it ignores `limit` and sends everybody at once", users(all_at_once)),
    Fault("a page past the end is a 404", past_the_end(404)),
    Fault("a page past the end is a 400", past_the_end(400)),
    Fault("a page past the end is a 500", past_the_end(500), 25, False, "HTTP 500"),
    Fault("it ignores `offset`", users(deaf_to_offset), 10, False, "twice"),
    Fault("its total is too high", total(lambda a, x: "26"), 25, False, "claims 26"),
    Fault("its total is too low", total(lambda a, x: "20"), 20, False, "more records than the 20"),
    Fault("its total counts the page only", total(lambda a, x: str(len(rows_of(x)))), 10, False, "more records"),
    Fault("its total is no number", total(lambda a, x: "many")),
    Fault("its total is negative", total(lambda a, x: "-1")),
    Fault("its total changes on the way", total(lambda a, x: str(25 + a.before)), 20, False, "total changed"),
    Fault("its second page is empty", second(EMPTY), 10, False, "claims 25"),
    Fault("its second page is empty once, and it claims no total", users(empty_once)),
    Fault("its second page is empty, and it claims no total", users(empty_each_time), 10, False, "was empty"),
    Fault("a page in the middle is empty and its next link leads on; no totals", users(hides_a_page)),
    Fault("a page past the end is a 404, and it claims no total", unclaimed_404(lambda at: at >= 25)),
    Fault("its second page is a 404, and it claims no total", unclaimed_404(lambda at: at == 10), 10, False, "was empty"),
    Fault("each page but the first is a 404; no totals", unclaimed_404(lambda at: at > 0), 10, False, "nothing at this address"),
    Fault("a row moves between pages, each time", users(one_moved), 19, False, "twice"),
    Fault("a row moves between pages, once", users(moved_once)),
    Fault("its data revision moves, each time", revision(lambda a: str(a.before)), 20, False, "revision moved"),
    Fault("its data revision moves once", revision(lambda a: "1" if a.before == 0 else "2")),
    Fault("its next links repeat the first page", link(lambda a: f"{a.path}?limit=10&offset=0")),
    Fault("its next links lead back to the page before", link(lambda a: f"{a.path}?offset={max(int(a.query['offset']) - 10, 0)}&limit=10")),
    Fault("its next links lead back to the first page with a limit of its own", link(lambda a: f"{a.path}?limit=7&offset=0")),
    Fault("its next links are relative and lead by a cursor; no totals", users(cursor)),
    Fault("its next links lead by a cursor, and its last page has none; no totals", users(cursor_to_the_end)),
    Fault("its next links lead to another host", link(lambda a: "http://evil.example/users?offset=10")),
    Fault("its next links are no addresses", link(lambda a: "http://[::1/")),
    Fault("it makes up people without end", users(people_without_end), 400, False, "more than 399 records"),
    Fault("its order is another than asked, read by id", users(unsorted), keyset=True),
    Fault("it ignores filters, read by id", users(deaf_to_filters), keyset=True),
    Fault("its filter leaves people out and no total tells, read by id", users(filter_that_skips), keyset=True),
    # Bad days.
    Fault("a 503 once", once(Answer(503))),
    Fault("a 502 once", once(Answer(502, b"<html>"))),
    Fault("a 504 once", once(Answer(504))),
    Fault("a 429 once, with Retry-After in seconds", once(Answer(429, b"", {"Retry-After": "1"}))),
    Fault("a 429 once, with Retry-After as a date", once(Answer(429, b"", {"Retry-After": LATE}))),
    Fault("a 429 once, with a Retry-After that says nothing", once(Answer(429, b"", {"Retry-After": "soon"}))),
    Fault("a 429 that asks to come back tomorrow", second(Answer(429, b"", {"Retry-After": "86400"})), 10, False, "24 hours"),
    Fault("a 429 that asks to come back in the year 9999", second(Answer(429, b"", {"Retry-After": YEAR_9999})), 10, False, "two days"),
    Fault("a 429 always", second(Answer(429)), 10, False, "slow down"),
    Fault("a 500 always", second(Answer(500)), 10, False, "HTTP 500"),
    Fault("a 401 once", once(Answer(401, b"{}"))),
    Fault("a 401 always, whatever the token", second(Answer(401, b"{}")), 10, False, "then refuses it"),
    Fault("a 403 in the middle", second(Answer(403, b"{}")), 10, False, "does not allow"),
    Fault("a 204 in the middle", second(Answer(204)), 10, False, "HTTP 204"),
    Fault("a 206 in the middle", users(lambda a, x: replace(x, status=206) if offset(a) == 10 else x), 10, False, "206"),
    Fault("the connection drops before an answer, once", once(Answer(write=reset))),
    Fault("the connection drops before an answer, always", second(Answer(write=reset)), 10, False, "broke off"),
    Fault("the connection drops within a page, once", once(SHORT)),
    Fault("the connection drops within a page, always", second(SHORT), 10, False, "broke off"),
    Fault("the connection drops within a chunk, once", once(CHUNKS)),
    Fault("a byte now and then, without end", second(LORIS), 10, False, "took more than"),
    Fault("headers a byte now and then, without end", second(LORIS_HEADERS), 10, False, "took more than"),
    Fault("the length of a chunk a byte now and then", second(LORIS_CHUNK), 10, False, "took more than"),
    Fault("headers without end", second(MANY_HEADERS), 10, False, "headers without end"),
    Fault("one header of 200 kB", second(LONG_HEADER), 10, False, "headers without end"),
    Fault("it speaks no HTTP", second(raw(b"SSH-2.0-OpenSSH_9.6\r\n")), 10, False, "broke off"),
    Fault("a redirect on the same host", redirect(lambda a: f"{a.path}?{query(a)}&again=1")),
    Fault("a redirect without end", later_pages(lambda a: f"{a.path}?{query(a)}"), 10, False, "without end"),
    Fault("a redirect to another host", later_pages(lambda a: "http://evil.example/"), 10, False, "evil.example"),
    Fault("a sign-in page with 200, once", once(HTML)),
    Fault("a sign-in page with 200, always", second(HTML), 10, False, "web page"),
    Fault("cut JSON, once", once(CUT)),
    Fault("cut JSON, always", second(CUT), 10, False, "not JSON"),
    Fault("a page of 400 kB where 300 are the bound", second(Answer(200, b'{"users": [' + b" " * 400_000 + b"]}")), 10, False, "more than"),
    Fault("a page of 100,000 values where 20,000 are the bound", second(Answer(200, b"[" + b"0," * 100_000 + b"0]")), 10, False, "values"),
    # Packing.
    Fault("pages packed as gzip", packed("gzip", gzip.compress)),
    Fault("pages packed as zstd", packed("zstd", zstandard.compress)),
    Fault("pages packed as deflate", packed("deflate", zlib.compress)),
    Fault("pages packed as deflate without its two bytes", packed("deflate", lambda b: zlib.compress(b)[2:-4])),
    Fault("pages packed as br, which nobody asked for", packed("br", bytes), 0, False, "packed as"),
    Fault("packed pages that are cut", packed("gzip", lambda b: gzip.compress(b)[:-9]), 0, False, "cut off"),
    Fault("50 MB packed into 50 kB", second(bomb("gzip", gzip.compress(BOMB))), 10, False, "more than"),
    Fault("50 MB packed by zstd into 2 kB", second(bomb("zstd", zstandard.compress(BOMB))), 10, False, "more than"),
    Fault("50 MB packed twice", second(bomb("gzip, gzip", gzip.compress(gzip.compress(BOMB)))), 10, False, "packed as"),
    # JSON.
    Fault("a byte order mark and blanks before the JSON", body(lambda b: b"\xef\xbb\xbf \n" + b)),
    Fault("UTF-16", body(lambda b: b.decode().encode("utf-16"))),
    Fault("Latin-1, said in the header", users(latin_1)),
    Fault("Windows-1252, said nowhere", body(lambda b: b.replace(b"Ana", b"An\xe9"))),
    Fault("half a surrogate in a name", body(lambda b: b.replace(b"Ana", rb"An\ud83d"))),
    Fault("a NUL in a name", body(lambda b: b.replace(b"Ana", rb"An\u0000a"))),
    Fault("NaN for a number", body(lambda b: b.replace(b'"09"', b"NaN"))),
    Fault("a number of 5,000 digits for a name", body(lambda b: b.replace(b'"Lopez 3"', b"9" * 5000))),
    Fault("10,000 brackets inside one another", second(Answer(200, b'{"users": ' + b"[" * 10_000)), 10, False, "not JSON"),
    Fault("a list without an envelope", body(lambda b: json.dumps(json.loads(b)["users"]).encode())),
    Fault("the list under `value`", body(lambda b: b.replace(b'"users"', b'"value"'))),
    Fault("the list under `Users`", body(lambda b: b.replace(b'"users"', b'"Users"'))),
    Fault("the list under a word of its own", body(lambda b: b.replace(b'"users"', b'"rows"')), 0, False, "no “users”"),
    Fault("null for the second page", second(Answer(200, b'{"users": null}')), 10, False, "no “users”"),
    Fault("{} for the second page", second(Answer(200, b"{}")), 10, False, "no “users”"),
    Fault("a failure with 200", second(Answer(200, b'{"users": [], "imsx_codeMajor": "failure"}')), 10, False, "reports a failure"),
    Fault("something behind the JSON", second(Answer(200, b'{"users": []} and more')), 10, False, "not JSON"),
    # Records.
    Fault("nobody has a sourcedId", rows(lambda said: [{**row, "sourcedId": None} for row in said]), 0, False, "leads nowhere"),
    Fault("texts for people", rows(lambda said: ["string"]), 0, False, "leads nowhere"),
    Fault("one person without sourcedId", rows(nobody_known), 24, False, "no sourcedId"),
    Fault("null among the people", rows(lambda said: [None, *said] if said else said), 23, False, "claims 25"),
    Fault("a text among the people", rows(lambda said: ["u099", *said] if said else said), 23, False, "claims 25"),
    Fault("each person in a list of one", rows(lambda said: [[row] for row in said])),
    Fault("blanks around ids", rows(lambda said: [{**row, "sourcedId": f" {row['sourcedId']} "} for row in said])),
    Fault("blanks behind ids, read by id", rows(lambda said: [{**row, "sourcedId": f"{row['sourcedId']} "} for row in said]), keyset=True),
    Fault("ids that are numbers", rows(lambda said: [{**row, "sourcedId": int(row["sourcedId"][1:])} for row in said]), rekeys=True),
    Fault("`SourcedId` and `GivenName`", respelled(lambda name: name[0].upper() + name[1:])),
    Fault("`sourced_id` and `given_name`", respelled(lambda name: "".join(f"_{c.lower()}" if c.isupper() else c for c in name))),
    Fault("an id of 3,000 characters among them", rows(one_long_id), 25, False, "too long"),
    Fault("the same person twice in a page", rows(lambda said: [*said, said[0]]), 10, False, "twice"),
]  # fmt: skip
