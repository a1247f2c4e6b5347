"""What was pasted, and what it may mean: the addresses at which a OneRoster server and its token service are looked for.

Every list has a fixed order and an end, so that a probe stays few enough requests not to trip a lock-out.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from homeroom.oneroster.endpoints import V1P1, V1P2, match
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.gate import is_loopback
from homeroom.oneroster.presets import KNOWN_ELSEWHERE, USUAL_PREFIXES, USUAL_TOKENS, preset_of

MOST_BASES = 15
MOST_TOKENS = 10
# 1.2 comes first: where both really answer, it is the one to have.
SUFFIXES = (
    ("/ims/oneroster/rostering/v1p2", V1P2),
    ("/ims/oneroster/v1p2", V1P2),
    ("/ims/oneroster/v1p1", V1P1),
)
_VERSION = re.compile(r"v1p([12])", re.IGNORECASE)
_FROM_IMS = re.compile(r"/ims(?:/oneroster)?(?:/.*)?$", re.IGNORECASE)
_PAGE = re.compile(r"\.(?:html?|aspx?|php|jsp|do|xsl|w)$", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?:/oauth2?)?(?:/v\d[\d.]*)?(?:/as)?/(?:token|access_token|token\.oauth2)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Address:
    """A pasted address, tidied: its root (scheme, host, port), its path, and what was tidied away.

    `version` is the version that the path names, "" when it names none; `token_url` the address of tokens, when that was
    what was pasted.
    """

    root: str
    path: str
    tidied: str = ""
    version: str = ""
    token_url: str = ""

    @property
    def url(self) -> str:
        """The tidied address."""
        return self.root + self.path

    @property
    def prefix(self) -> str:
        """What comes before /ims/oneroster."""
        if self.version and not _FROM_IMS.search(self.path):
            return self.path.rsplit("/", 1)[0]
        return _FROM_IMS.sub("", self.path)

    @property
    def host(self) -> str:
        """Its host name."""
        return urlsplit(self.root).hostname or ""


@dataclass(frozen=True, slots=True)
class Base:
    """An address at which the API may be, and the version that would be spoken there."""

    url: str
    version: str


def host_of(pasted: str) -> str:
    """The host that a pasted address names, lower-case; "" when it is no address."""
    try:
        return tidy(pasted).host
    except ExchangeFailed:
        return ""


def tidy(pasted: str, plain_http_host: str = "") -> Address:
    """The address that was meant; http:// is read as https:// but for this very machine and for the host that may be
    called so. Raises `ExchangeFailed` when it is none."""
    parts = _parts(pasted)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else str(parts.hostname)
    scheme, port, notes = parts.scheme.lower(), parts.port, list[str]()
    if scheme == "http" and parts.hostname != plain_http_host and not is_loopback(parts.hostname or ""):
        scheme, port = "https", None if port == 80 else port
        notes.append("https:// in place of http://")
    root = f"{scheme}://{host}" + (f":{port}" if port else "")
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    if _TOKEN.search(path) and not _FROM_IMS.search(path):
        token_url = root + path + (f"?{parts.query}" if parts.query else "")
        notes.append("this is an address of tokens; the API is looked for beside it")
        return Address(root, _TOKEN.sub("", path), ", ".join(notes), token_url=token_url)
    kept, version = _kept(path)
    dropped = [word for word in (path[len(kept) :], f"?{parts.query}" if parts.query else "") if word]
    if dropped:
        notes.append("removed " + " and ".join(f"“{word[:40]}”" for word in dropped))
    return Address(root, kept, ", ".join(notes), version)


def _parts(pasted: str) -> SplitResult:
    text = pasted.strip().strip("<>\"'“”")
    text = text if re.match(r"^[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) else f"https://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    odd = " " in parts.netloc or "@" in parts.netloc
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or odd:
        said = "It looks like https://sis.school.example/ims/oneroster/v1p1."
        raise ExchangeFailed("address", "The URL is not a web address", said)
    return parts


def _kept(path: str) -> tuple[str, str]:
    """What of a path is the base, and the version it names: the last one behind which no more than a collection stands.

    Some have a version twice (/campus/api/oneroster/v1p2/{app}/ims/oneroster/rostering/v1p2), and the first is not it.
    """
    segments = path.split("/")
    for at in reversed(range(len(segments))):
        named, rest = _VERSION.fullmatch(segments[at]), "/" + "/".join(segments[at + 1 :])
        if named and (rest == "/" or match(rest)):
            return "/".join(segments[: at + 1]), V1P1 if named[1] == "1" else V1P2
    last = segments[-1]
    spare = last and (match(f"/{last}") or _PAGE.search(last))
    return (path[: -len(last) - 1], "") if spare else (path, "")


def base_groups(address: Address, sis: str = "", version: str = "") -> list[list[Base]]:
    """Bases to try, likeliest first, those below one prefix together. With a `version`, only those that speak it."""
    first = _typed(address)
    found, groups = set[str](), []
    for prefix in _prefixes(address, sis):
        below = [Base(f"{address.root}{prefix}{suffix}", spoken) for suffix, spoken in SUFFIXES]
        group = [
            b for b in dict.fromkeys((*first, *below)) if b.url not in found and version in ("", b.version)
        ]
        group = group[: MOST_BASES - len(found)]
        found |= {base.url for base in group}
        groups += [group] if group else []
        first = []
    return groups


def _typed(address: Address) -> list[Base]:
    """The base that was typed, where it names a version. Below /ims/oneroster/v1p2 some have the services of 1.2, each with
    its version once more, which is what Google's conformance tests ask for."""
    named = [Base(address.url, address.version)] if address.version else []
    below = address.path.lower().endswith("/ims/oneroster/v1p2")
    return [*named, *([Base(f"{address.url}/rostering/v1p2", V1P2)] if below else [])]


def _prefixes(address: Address, sis: str) -> list[str]:
    known = preset_of(sis).prefixes
    if not address.prefix:
        at_first = () if address.version else known
        return list(dict.fromkeys((*at_first, *USUAL_PREFIXES, *known)))
    api = () if address.prefix.lower().endswith("/api") else (f"{address.prefix}/api",)
    parent = address.prefix.rsplit("/", 1)[0]
    return list(dict.fromkeys((address.prefix, *api, parent, "", *known)))


def token_candidates(address: Address, base: str, sis: str = "") -> list[str]:
    """Addresses at which the token service of a base may be, likeliest first; all on its own host, or on the one that its
    company is known to use."""
    path = base.removeprefix(address.root)
    prefix = _FROM_IMS.sub("", path) if _FROM_IMS.search(path) else address.prefix
    patterns = (*preset_of(sis).tokens, *USUAL_TOKENS)
    here = [address.root + p.replace("{prefix}", prefix).replace("{base}", path) for p in patterns]
    far = [url for company, url in KNOWN_ELSEWHERE.items() if address.host.endswith("." + company)]
    return [*list(dict.fromkeys(here))[: MOST_TOKENS - len(far)], *far]


def given_token_url(typed: str, address: Address) -> str:
    """The token address that was typed, or pasted as the URL, made whole; "" when there is none. Its query is kept.

    http:// is read as https:// where the rest of the connection is https.
    """
    text = typed.strip().strip("<>\"'“”") or address.token_url
    if not text:
        return ""
    if text.startswith("/"):
        return address.root + text
    text = text if "://" in text else f"https://{text}"
    return _as_secure(text, address)


def _as_secure(text: str, address: Address) -> str:
    try:
        parts = urlsplit(text)
        here = parts.netloc.lower() == urlsplit(address.root).netloc
    except ValueError:
        return text
    return text.replace("http://", "https://", 1) if here and address.root.startswith("https") else text
