"""The points about the API itself: how it wants to know who asks, which version it speaks, and the manners of its pages."""

from dataclasses import replace
from urllib.parse import urlsplit

from homeroom.oneroster.auth.credentials import Credentials
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.learn import keyset_works, large_page, serves_lists, with_limit
from homeroom.oneroster.probe import probe
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import Check
from homeroom.sync.sources.points.trial import Trial, fine, mind, untried

# Which point a failed search belongs to; any other is about the version: we were let in, and found no API.
TOKEN = frozenset({"credentials", "token", "unauthorized", "guesses"})
_STYLES = {
    "body": "key and secret in the body",
    "body_without_scope": "key and secret in the body, without a scope",
    "body_core": "key and secret in the body, with the core scope alone",
    "basic_without_scope": "without a scope",
    "basic_core": "with the core scope alone",
    "basic_empty_body": "with an empty body",
    "basic_query": "with grant and scope in the address",
    "basic_unencoded": "key and secret not percent-encoded",
}


def token(trial: Trial) -> list[Check]:
    """The search for the server, as far as it is about who we are."""
    settings, source = trial.source.settings, trial.source
    said = Credentials(settings.key, settings.secret)
    try:
        found = probe(settings.url, said, source.exchange, settings.known(), source.now)
    except ExchangeFailed as failed:
        trial.failed = failed
        if failed.kind in TOKEN:
            raise
        if failed.kind == "forbidden":
            return [fine("token", "The server knows who we are")]
        return [untried("token", "no OneRoster API was found to show key and secret to")]
    trial.session, source.profile = found.session, found.profile
    source.use(found.session)
    return [fine("token", _manner(found.profile))]


def _manner(profile: Profile) -> str:
    if profile.auth == "bearer":
        return "The secret is accepted as a fixed bearer token"
    if profile.auth != "oauth2":
        return f"Signed requests are accepted (OAuth 1.0a, HMAC-{profile.auth.rpartition('-')[2].upper()})"
    parts = urlsplit(profile.token_url)
    how = [_STYLES[profile.token_style]] if profile.token_style in _STYLES else []
    how += ["its cookies go with every call"] if profile.cookies else []
    return f"OAuth 2.0 token granted at {parts.netloc}{parts.path}" + (f" ({', '.join(how)})" if how else "")


def version(trial: Trial) -> list[Check]:
    """Which version is spoken, and where."""
    if trial.failed is not None and trial.failed.kind != "forbidden":
        raise trial.failed
    if trial.session is None:
        return [untried("version", "the server does not let us see its schools")]
    profile = trial.session.profile
    return [fine("version", f"OneRoster {profile.version} at {profile.base_url}")]


def limit(trial: Trial) -> list[Check]:
    """Whether a large page comes whole or is cut."""
    session = trial.ready()
    large = trial.large = large_page(session)
    session.profile = with_limit(session, large)
    came = len(large.records)
    if not session.profile.clamped:
        return [
            fine(
                "limit",
                f"Large pages come whole: 10,000 were asked for, {came:,} came, which is all there is",
            )
        ]
    said = f"Pages are cut to {came:,} people, whatever is asked for; we read on by what came"
    if came >= SMALL:
        return [fine("limit", said)]
    return [
        mind(
            "limit",
            said + ", which is slow",
            "It works. A higher limit at the SIS makes every sync faster.",
            "Please raise the page limit of our connection, if your system lets you, to 1,000 or more.",
        )
    ]


SMALL = 100


def total(trial: Trial) -> list[Check]:
    """Whether the server says how many there are."""
    page = _large(trial)
    if page.total_count:
        return [fine("total", "Totals are given, and every reading is held against them")]
    return [fine("total", "No totals: the end of the data is proven by a page beyond it")]


def link(trial: Trial) -> list[Check]:
    """Whether the server names the next page."""
    if _large(trial).link:
        return [fine("link", "Links to the next page are given and followed")]
    return [fine("link", "No links: pages are counted")]


def _large(trial: Trial) -> Profile:
    if trial.large is None:
        raise ExchangeFailed("not_tried", "No large page came", "See the point above.")
    return trial.ready().profile


def keyset(trial: Trial) -> list[Check]:
    """Whether reading by id works, which is fast and cannot skip anybody."""
    session = trial.ready()
    session.profile = replace(session.profile, keyset=keyset_works(session))
    if session.profile.keyset:
        return [fine("keyset", "Read by id, which is fastest")]
    return [fine("keyset", "Read by position: sorting by id and filtering beyond one is not served as asked")]


def school_lists(trial: Trial) -> list[Check]:
    """Whether students and teachers of one school can be asked for by themselves."""
    session = trial.ready()
    assert trial.school is not None  # noqa: S101 # the point before this one
    served = serves_lists(session, trial.school.sourced_id)
    session.profile = replace(session.profile, school_endpoint=served)
    if served:
        return [fine("school_endpoint", "Lists of one school's students and teachers are served")]
    return [fine("school_endpoint", "No lists by school: everybody is read and narrowed here")]
