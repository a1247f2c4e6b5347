"""The first points of Test Connection: the address, its name, the server behind it, its certificate, its clock."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from homeroom.oneroster.address import Address, base_groups, tidy
from homeroom.oneroster.exchange import Target, trusting
from homeroom.oneroster.failing import ExchangeFailed, Redirected
from homeroom.oneroster.gate import is_loopback
from homeroom.sync.reading import Check
from homeroom.sync.sources.points.trial import Trial, fine, mind, untried, wrong

SOON = 21  # days before its end at which a certificate is worth a word
FAR, TOO_FAR = timedelta(minutes=2), timedelta(minutes=5)
_UNTRUSTED = {
    10: ("its certificate has ended", "Please renew the certificate of the server."),
    9: ("its certificate is not valid yet", "Please check the certificate of the server and its clock."),
    18: (
        "its certificate is of its own making",
        "Please send us the certificate, or use one of a public authority.",
    ),
    19: (
        "an authority of its own signed its certificate",
        "Please send us the file of your certificate authority (PEM).",
    ),
    20: (
        "the authority that signed its certificate is not known, or an intermediate certificate is missing",
        "Please have the server send its intermediate certificates too, or send us the file of your certificate authority (PEM).",
    ),
    62: (
        "its certificate is for another name",
        "Please tell us the name that stands in the server's certificate.",
    ),
}
_UNTRUSTED[21] = _UNTRUSTED[20]
_UNTRUSTED[64] = _UNTRUSTED[62]


def address(trial: Trial) -> list[Check]:
    """What was pasted, tidied."""
    settings = trial.source.settings
    found = trial.address = tidy(settings.url, settings.plain_http_host)
    said = [fine("address", found.url + (f" ({found.tidied})" if found.tidied else ""))]
    if found.root.startswith("http:") and not is_loopback(found.host):
        said = [_in_the_clear(found)]
    return said


def _in_the_clear(found: Address) -> Check:
    return mind(
        "address",
        f"{found.url}: plain http, to which an owner consented; key, secret and people travel readable by all on the way",
        "Use https as soon as the SIS has it.",
        "Please offer the OneRoster API over https://.",
    )


def name(trial: Trial) -> list[Check]:
    """The name, and that its addresses may be called."""
    target = _target(trial)
    found = trial.source.exchange.addresses(target)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [fine("dns", f"{target.host} is {found[0]}{more}")]


def reach(trial: Trial) -> list[Check]:
    """That somebody takes a call there."""
    target = _target(trial)
    with _connected(trial, target):
        return [fine("reach", f"The server takes calls at port {target.port}")]


@contextmanager
def _connected(trial: Trial, target: Target) -> Iterator[socket.socket]:
    """A connection to the address that was checked, as an exchange would make it."""
    exchange = trial.source.exchange
    for place in (addresses := exchange.addresses(target)):
        try:
            sock = socket.create_connection((place, target.port), exchange.bounds.connect_seconds)
        except OSError as failed:
            if place == addresses[-1]:
                raise ExchangeFailed(
                    "connect",
                    f"{target.host} does not answer at port {target.port}",
                    "Check the URL. If it is right, the server is down or a firewall keeps us out: ask the SIS's administrator.",
                    retry=True,
                ) from failed
        else:
            with sock:
                yield sock
            return


def certificate(trial: Trial) -> list[Check]:
    """Whether the certificate is trusted, why not, and how long it is still good."""
    target = _target(trial)
    if target.scheme == "http":
        where = "on this machine" if is_loopback(target.host) else "to the host that an owner consented to"
        return [fine("tls", f"Not encrypted: plain http, {where}")]
    try:
        ends = _end_of_certificate(trial, target)
    except ssl.SSLCertVerificationError as failed:
        return [_untrusted(failed, target.host)]
    except ssl.SSLError:
        said = f"{target.host} does not speak https at port {target.port}"
        return [
            wrong(
                "tls",
                said,
                "Check the URL and its port.",
                "Please tell us the https address of the OneRoster API.",
            )
        ]
    except (OSError, ValueError):
        return [mind("tls", "The certificate could not be looked at", "Test again.")]
    return [_age(ends, trial.source.now())]


def _end_of_certificate(trial: Trial, target: Target) -> datetime:
    context = trusting(trial.source.settings.ca_certificates)
    with _connected(trial, target) as sock, context.wrap_socket(sock, server_hostname=target.host) as wrapped:
        said = wrapped.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(said.get("notAfter", ""))), UTC)


def _untrusted(failed: ssl.SSLCertVerificationError, host: str) -> Check:
    usual = (
        "its certificate is not one we can trust",
        "Please send us the file of your certificate authority (PEM).",
    )
    why, ask = _UNTRUSTED.get(failed.verify_code, usual)
    cure = "The SIS's administrator mends this, or gives you the file of the certificate authority to add here as CA file."
    return wrong("tls", f"The secure connection to {host} failed: {why}", cure, ask)


def _age(ends: datetime, now: datetime) -> Check:
    days = int((ends - now).total_seconds() // 86400)
    said = f"The certificate is trusted and good for {days} days, until {ends:%-d %b %Y}"
    if days >= SOON:
        return fine("tls", said)
    return mind(
        "tls",
        said,
        "The SIS's administrator renews it before then.",
        "Please renew the certificate of the server.",
    )


def clock(trial: Trial) -> list[Check]:
    """How far the server's clock is from ours, as its first answer tells."""
    exchange, before = trial.source.exchange, trial.source.now()
    assert trial.address is not None  # noqa: S101 # the point before this one
    likeliest = base_groups(trial.address, trial.sis)[0][0]
    try:
        said = exchange.send("GET", f"{likeliest.url}/orgs?limit=1", {}, tries=2).headers.get("date", "")
    except Redirected as sent:
        said = sent.date
    return [_difference(said, before + (trial.source.now() - before) / 2)]


def _difference(said: str, ours: datetime) -> Check:
    theirs = None
    with suppress(ValueError, TypeError, IndexError):
        theirs = parsedate_to_datetime(said)
    if theirs is None:
        return untried("clock", "the server does not tell its time")
    apart = abs(theirs - ours) if theirs.tzinfo else abs(theirs.replace(tzinfo=UTC) - ours)
    if apart < FAR:
        return fine("clock", f"The clocks agree to within {max(2, round(apart.total_seconds()))} seconds")
    minutes = f"{apart.total_seconds() / 60:,.0f} minutes"
    fails = (
        "signed requests (OAuth 1.0a) fail by then"
        if apart >= TOO_FAR
        else "signed requests (OAuth 1.0a) would fail at 5"
    )
    return mind(
        "clock",
        f"The clocks differ by {minutes}: the server says {theirs:%H:%M}, we say {ours:%H:%M} UTC; {fails}",
        "Set both clocks by a time server (NTP).",
        f"Please check the clock of the server: it says {theirs:%H:%M} when it is {ours:%H:%M} UTC.",
    )


def _target(trial: Trial) -> Target:
    assert trial.address is not None  # noqa: S101 # the point before this one
    return trial.source.exchange.target(trial.address.root + (urlsplit(trial.address.url).path or "/"))
