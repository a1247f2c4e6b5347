"""Paging: limit and offset in, `X-Total-Count` and `Link` out, and the reading of links by a client."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

DEFAULT_LIMIT = 100
MOST_LINKS = 7000  # bytes: many proxies take 8 KiB of headers, all together
IN_ADDRESSES = ":/[]@-._~"  # what stands in an address as it is; a comma would end a link
# What is beyond it, such as the largest number that a client's language has, means no more than this.
MOST = 2**53


class PagingError(ValueError):
    """A limit or offset that is not a number in range."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a collection that was asked for."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0


def window(limit: str | None, offset: str | None, largest: int) -> Window:
    """The window of a request; a limit above `largest` is clamped. Raises `PagingError`."""
    return Window(min(_number("limit", limit, DEFAULT_LIMIT, 1), largest), _number("offset", offset, 0, 0))


def _number(name: str, text: str | None, default: int, least: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,100}", text) or int(text) < least:
        raise PagingError(f"{name} must be a whole number of at least {least}")
    return min(int(text), MOST)


def link_header(url: str, query: list[tuple[str, str]], asked: Window, total: int) -> str:
    """The `Link` header of a page: first, prev, next, last, as absolute addresses with commas percent-encoded.

    A query too long to stand in four links has the next alone. `url` is decoded. A signature that came in the query is not repeated:
    it is good for one request.
    """
    kept = [
        (name, value) for name, value in query if name not in ("limit", "offset") and name[:6] != "oauth_"
    ]
    last = (max(total - 1, 0) // asked.limit) * asked.limit
    targets = {"first": 0, "last": last}
    if asked.offset > 0:
        targets["prev"] = max(min(asked.offset - asked.limit, last), 0)
    if asked.offset + asked.limit < total:
        targets["next"] = asked.offset + asked.limit

    said = "&".join(
        f"{_encoded(name)}={_encoded(value)}" for name, value in [*kept, ("limit", str(asked.limit))]
    )
    start = f"<{quote(url, safe=IN_ADDRESSES)}?{said}&offset="
    links = {name: f'{start}{offset}>; rel="{name}"' for name, offset in targets.items()}
    if sum(map(len, links.values())) > MOST_LINKS:
        links = {name: link for name, link in links.items() if name == "next"}
    return ", ".join(links.values())


def _encoded(word: str) -> str:
    """A space as %20: whoever signs a link for OAuth 1 may take a plus sign for one (RFC 5849, 3.6)."""
    return word if word.isascii() and word.isalnum() else quote(word, safe="")


def read_links(header: str) -> dict[str, str]:
    """The relations of a `Link` header, leniently (RFC 8288): {"next": address, ...}."""
    found = re.findall(r"<([^>]*)>\s*((?:;[^,<]*)*)", header)
    links: dict[str, str] = {}
    for address, parameters in found:
        for name in re.findall(r"rel\s*=\s*\"?([\w -]+)\"?", parameters):
            for word in name.split():
                links.setdefault(word.lower(), address)
    return links


def with_query(url: str, **changes: str) -> str:
    """The address with some query parameters set, the others kept as they are."""
    parts = urlsplit(url)
    kept = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in changes
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *changes.items()])))
