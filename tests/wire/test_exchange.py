"""One exchange: only with the address that was checked, only over a connection that can be trusted, and bounded."""

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.client import Session
from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.pace import Pace
from homeroom.oneroster.profile import Profile
from tests.wire.misbehaving import Answer, Asked, Server, server, user

NAME = "sis.school.example"


class Names:
    """A resolver that answers what it was told, the next answer at each question, and counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def exchange(names: Names, **more: Any) -> Exchange:
    return Exchange(sleep=lambda _: None, resolve=names, **more)


def port(at: Server) -> int:
    return int(at.address.rsplit(":", 1)[1])


def test_the_connection_goes_to_the_address_that_was_checked_under_the_name_that_was_typed() -> None:
    with server([]) as at:
        names = Names(["127.0.0.1"])
        url = f"http://{NAME}:{port(at)}/oauth/token"
        assert exchange(names, plain_http_host=NAME).send("POST", url, {}).status == 200
        assert at.asked[0].headers["Host"] == f"{NAME}:{port(at)}"


@pytest.mark.parametrize("second", ["127.0.0.1", "169.254.169.254", "10.0.0.1"])
def test_a_name_that_changes_between_check_and_connect_changes_nothing(second: str) -> None:
    with server([]) as at:
        names = Names(["127.0.0.1"], [second])
        calls = exchange(names, plain_http_host=NAME)
        for _ in range(3):
            assert calls.send("GET", f"http://{NAME}:{port(at)}/oauth/token", {}).status == 200
    assert names.asked == 1
    assert len(at.asked) == 3


def test_an_address_that_moved_is_looked_up_and_checked_anew() -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with pytest.raises(ExchangeFailed, match="belongs to the machine's cloud"):
        exchange(names, plain_http_host=NAME).send("GET", f"http://{NAME}:{closed}/", {})


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.1.1", "::ffff:192.168.0.1"])
def test_hosted_a_name_that_leads_inside_is_refused_before_a_byte_is_sent(address: str) -> None:
    with server([]) as at:
        calls = exchange(Names(["8.8.8.8", address]), hosted=True, plain_http_host=NAME)
        with pytest.raises(ExchangeFailed, match="not an address of the public internet") as failed:
            calls.send("GET", f"http://{NAME}:{port(at)}/", {})
        assert (failed.value.kind, at.asked, calls.meter.requests) == ("refused_address", [], 0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
def test_hosted_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with server([]) as at, pytest.raises(ExchangeFailed):
        Exchange(sleep=lambda _: None, hosted=True, plain_http_host=host.strip("[]")).send(
            "GET", f"http://{host}:{port(at)}/", {}
        )
    assert at.asked == []


def test_the_second_address_of_a_name_is_tried_when_the_first_does_not_answer() -> None:
    with server([]) as at:
        calls = exchange(Names(["127.0.0.2", "127.0.0.1"]), plain_http_host=NAME)
        assert calls.send("GET", f"http://{NAME}:{port(at)}/oauth/token", {}).status == 200


@pytest.mark.parametrize("url", ["http://sis.school.example/", "http://10.0.0.5/", "http://127.1/"])
def test_nothing_goes_over_plain_http_but_to_this_machine(url: str) -> None:
    with pytest.raises(ExchangeFailed) as failed:
        exchange(Names(["127.0.0.1"])).send("GET", url, {"Authorization": "secret"})
    assert failed.value.kind == "plain_http"


def test_a_localhost_that_is_another_machine_gets_nothing_in_the_clear() -> None:
    with pytest.raises(ExchangeFailed) as failed:
        exchange(Names(["10.0.0.5"])).send("GET", "http://localhost/", {"Authorization": "secret"})
    assert failed.value.kind == "plain_http"


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://", "http://[::1/", "file:///etc/passwd", "http://127.0.0.1:99999/"]
)
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ExchangeFailed) as failed:
        Exchange().send("GET", url, {})
    assert failed.value.kind == "address"


def test_a_proxy_named_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with server([]) as at, server([]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        assert Exchange().send("GET", f"{at.address}/oauth/token", {}).status == 200
        assert (len(at.asked), proxy.asked) == (1, [])


def test_a_redirect_and_a_token_url_pass_the_same_gate() -> None:
    away = lambda asked, answer: Answer(307, b"", {"Location": "http://169.254.169.254/latest/meta-data"})  # noqa: E731
    with server([], away) as at:
        profile = Profile("1.1", at.base, token_url="http://169.254.169.254/latest/api/token")
        calls = Exchange(sleep=lambda _: None, plain_http_host="169.254.169.254")
        with pytest.raises(ExchangeFailed, match="cloud"):
            Session(profile, Credentials("k", "s"), calls).get("/orgs")
        with pytest.raises(ExchangeFailed, match="sent us on"):
            Session(replace(profile, auth="bearer"), Credentials("k", "s"), calls).get("/orgs")


def test_a_signed_call_is_signed_anew_at_each_try() -> None:
    flaky = lambda asked, answer: Answer(503) if asked.before == 0 else answer  # noqa: E731
    with server([user(1)], flaky) as at:
        profile = Profile("1.1", at.base, auth="oauth1-sha256")
        Session(profile, Credentials("k", "s"), Exchange(sleep=lambda _: None)).get("/users")
        first, second = (asked.headers["Authorization"] for asked in at.asked)
    assert first != second


def test_cookies_of_a_token_service_elsewhere_stay_there() -> None:
    def baked(asked: Asked, answer: Answer) -> Answer:
        return replace(answer, headers={**answer.headers, "Set-Cookie": "node=2; Path=/"})

    with server([user(1)], baked) as at:
        for host, kept in (("127.0.0.1", True), ("localhost", False)):
            profile = Profile("1.1", at.base, token_url=f"http://{host}:{port(at)}/oauth/token")
            names = Names(["127.0.0.1"])
            Session(profile, Credentials("k", "s"), exchange(names)).get("/users")
            assert ("Cookie" in at.asked[-1].headers) == kept


def test_a_token_refused_twice_is_a_matter_of_permission_and_asked_for_once_more_only() -> None:
    def never(asked: Asked, answer: Answer) -> Answer:
        return answer if asked.path.endswith("token") else Answer(401)

    with server([], never) as at:
        profile = Profile("1.1", at.base, token_url=f"{at.address}/oauth/token")
        with pytest.raises(ExchangeFailed, match="gives us a token and then refuses it"):
            Session(profile, Credentials("k", "s"), Exchange(sleep=lambda _: None)).get("/users")
        assert [asked.path.rsplit("/")[-1] for asked in at.asked] == ["token", "users", "token", "users"]


def test_a_429_keeps_all_connections_of_the_process_from_that_host() -> None:
    busy = lambda asked, answer: Answer(429, b"", {"Retry-After": "20"}) if asked.before == 0 else answer  # noqa: E731
    pace, slept = Pace(), list[float]()
    with server([], busy) as at:
        one = Exchange(sleep=slept.append, chance=lambda: 0.5, pace=pace, clock=lambda: 0)
        other = Exchange(sleep=slept.append, pace=pace, clock=lambda: 0)
        one.send("GET", f"{at.address}/oauth/token", {})
        other.send("GET", f"{at.address}/oauth/token", {})
    assert slept == [20, 20, 20]


def test_a_retry_after_beyond_the_bound_is_not_waited_for_but_told() -> None:
    slept: list[float] = []
    with server([], lambda asked, answer: Answer(503, b"", {"Retry-After": "7200"})) as at:
        with pytest.raises(ExchangeFailed, match="in 120 minutes"):
            Exchange(sleep=slept.append).send("GET", f"{at.address}/", {})
        assert (len(at.asked), slept) == (1, [])


def test_tries_are_twice_as_far_apart_each_time_with_some_chance_in_it() -> None:
    slept: list[float] = []
    with server([], lambda asked, answer: Answer(502)) as at:
        reply = Exchange(sleep=slept.append, chance=lambda: 0.25).send("GET", f"{at.address}/", {})
    assert (reply.status, slept) == (502, [0.75, 1.5, 3.0, 6.0])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A certificate of its own making for NAME: file with key, and PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + public)
    return path, public.decode()


@pytest.fixture
def secure(authority: tuple[Path, str]) -> Iterator[tuple[Server, list[str | None]]]:
    """A server over TLS, and the names that clients asked for in the handshake."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[0])
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with server([], tls=context) as at:
        yield at, asked


def test_the_name_stays_in_the_handshake_when_the_connection_goes_to_an_address(
    secure: tuple[Server, list[str | None]], authority: tuple[Path, str]
) -> None:
    at, asked = secure
    calls = exchange(Names(["127.0.0.1"]), ca_certificates=authority[1])
    assert calls.send("GET", f"https://{NAME}:{port(at)}/oauth/token", {}).status == 200
    assert (asked, at.asked[0].headers["Host"]) == ([NAME], f"{NAME}:{port(at)}")


@pytest.mark.parametrize("ca", ["", "given"])
def test_a_certificate_that_cannot_be_trusted_ends_it_before_a_byte_is_sent(
    secure: tuple[Server, list[str | None]], authority: tuple[Path, str], ca: str
) -> None:
    at, _ = secure
    host = "other.school.example" if ca else NAME  # trusted, but of another name; or not trusted at all
    calls = exchange(Names(["127.0.0.1"]), ca_certificates=authority[1] if ca else "")
    with pytest.raises(ExchangeFailed, match="not one we can trust") as failed:
        calls.send("GET", f"https://{host}:{port(at)}/", {"Authorization": "secret"})
    assert (failed.value.kind, at.asked) == ("tls", [])


def test_ca_certificates_that_are_none_are_said_to_be_none() -> None:
    with pytest.raises(ExchangeFailed, match="CA certificates given cannot be read"):
        exchange(Names(["127.0.0.1"]), ca_certificates="not PEM").send("GET", f"https://{NAME}/", {})


def test_http_that_is_sent_on_to_https_of_the_same_host_is_followed_and_back_never(
    secure: tuple[Server, list[str | None]], authority: tuple[Path, str]
) -> None:
    at, _ = secure
    there = f"https://{NAME}:{port(at)}/ims/oneroster/v1p1/orgs"
    with server([], lambda asked, answer: Answer(301, b"", {"Location": there})) as plain:
        calls = exchange(Names(["127.0.0.1"]), ca_certificates=authority[1], plain_http_host=NAME)
        profile = Profile("1.1", f"http://{NAME}:{port(plain)}/ims/oneroster/v1p1", auth="bearer")
        reply = Session(profile, Credentials("", "s"), calls).get("/orgs")
        assert json.loads(reply.body)["orgs"]


def test_https_that_is_sent_on_to_http_is_not_followed(authority: tuple[Path, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[0])
    with server([]) as plain:
        down = f"http://{NAME}:{port(plain)}/ims/oneroster/v1p1/orgs"
        with server([], lambda asked, answer: Answer(302, b"", {"Location": down}), tls=context) as at:
            calls = exchange(Names(["127.0.0.1"]), ca_certificates=authority[1], plain_http_host=NAME)
            profile = Profile("1.1", f"https://{NAME}:{port(at)}/ims/oneroster/v1p1", auth="bearer")
            with pytest.raises(ExchangeFailed, match="sent us on"):
                Session(profile, Credentials("", "s"), calls).get("/orgs")
        assert plain.asked == []
