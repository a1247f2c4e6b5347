"""What goes wrong in an exchange with a SIS, in words: what happened, what to do, and whether trying again may help.

No message holds a secret, a query or a person.
"""

import socket
import ssl
from http.client import HTTPException, LineTooLong
from urllib.parse import urlsplit

from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

LATER = "Try again; if it lasts, ask the SIS's administrator."


class ExchangeFailed(Exception):
    """The server was not reached or did not answer as one can use. `kind` is a stable word for the cause."""

    def __init__(self, kind: str, message: str, cure: str, *, retry: bool = False, status: int = 0) -> None:
        super().__init__(message)
        self.kind, self.cure, self.retry, self.status = kind, cure, retry, status


class Redirected(ExchangeFailed):
    """The server names another address. Whoever signs the calls decides whether to go there. `date` is the server's clock."""

    def __init__(self, url: str, location: str, date: str = "") -> None:
        host = _host(location)
        elsewhere = "to another page, perhaps a sign-in page"
        where = f"to {host}" if host and host != _host(url) else elsewhere
        super().__init__(
            "redirect",
            f"The server sent us on {where}; we do not follow, so that key and secret go nowhere else",
            "Look up the OneRoster API URL at the SIS once more; it may have moved, or https:// may be missing.",
        )
        self.location, self.date = location, date


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def in_the_clear() -> ExchangeFailed:
    """Key and secret would go over plain http."""
    return ExchangeFailed(
        "plain_http",
        "The address begins with http://, so key, secret and people would travel readable by all on the way",
        "Use the https:// address of the SIS. If it has none and stands in the school's own network, tick the consent to plain "
        "http for this connection.",
    )


def unknown(host: str) -> ExchangeFailed:
    """No server has this name."""
    return ExchangeFailed(
        "dns",
        f"No server has the name {host}",
        "Check the URL for a typing error, or ask the SIS's administrator.",
    )


def of_network(wrong: Exception, host: str) -> ExchangeFailed:
    """What a failure of the network means."""
    causes = (wrong, *(arg for arg in wrong.args if isinstance(arg, Exception)))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return ExchangeFailed(
            "tls",
            f"The secure connection to {host} failed: its certificate is not one we can trust",
            "The SIS's administrator renews the certificate, or gives you the CA file of the school to add here.",
        )
    if isinstance(wrong, SSLError | ssl.SSLError):
        return ExchangeFailed(
            "tls",
            f"The secure connection to {host} failed",
            "Check whether this port speaks https, or ask the SIS's administrator.",
        )
    if isinstance(wrong, ConnectTimeoutError | NewConnectionError | ConnectionRefusedError):
        return ExchangeFailed(
            "connect",
            f"{host} does not answer at this port",
            "Check the URL. If it is right, the server is down or a firewall keeps us out: ask the SIS's administrator.",
            retry=True,
        )
    if any(isinstance(cause, LineTooLong) or "100 headers" in str(cause) for cause in causes):
        return ExchangeFailed("headers", f"{host} sent headers without end", LATER)
    if isinstance(wrong, socket.gaierror):
        return unknown(host)
    if not isinstance(wrong, HTTPError | OSError | HTTPException):
        return ExchangeFailed(
            "address", "What would be sent is no HTTP", "Copy URL, key and secret again, as text."
        )
    return ExchangeFailed("dropped", f"{host} broke off the answer or took too long", LATER, retry=True)
