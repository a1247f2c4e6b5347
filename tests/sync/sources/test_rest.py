"""Reading by a profile, and looking for the server anew when it is no longer as the profile has it: once, and never elsewhere."""

import json
from dataclasses import replace
from typing import Any

import pytest

from homeroom.oneroster.exchange import Exchange
from homeroom.oneroster.profile import Profile
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.rest import RestSettings, RestSource
from tests.wire.misbehaving import ORGS, Answer, Asked, Server, server, user

PEOPLE = [user(number) for number in range(5)]


def source(at: Server, profile: Profile | None, kept: list[Profile] | None = None) -> RestSource:
    settings = RestSettings(at.address, "key", "secret")
    told = kept if kept is not None else []
    return RestSource(settings, profile, Exchange(sleep=lambda _: None), learnt=told.append)


def right(at: Server, **other: Any) -> Profile:
    return replace(Profile("1.1", at.base, token_url=f"{at.address}/oauth/token", keyset=True), **other)


def guarded(asked: Asked, answer: Answer) -> Answer:
    if asked.path.startswith("/old/"):
        return Answer(404, b"{}")
    known = asked.method == "POST" or asked.headers.get("Authorization") == "Bearer token-1"
    return answer if known or answer.status == 404 else Answer(401, b"{}")


def people(reading: RestSource) -> int:
    return sum(len(page) for page in reading.people())


def test_with_a_profile_nothing_is_looked_for() -> None:
    with server(PEOPLE, guarded) as at:
        kept: list[Profile] = []
        reading = source(at, right(at), kept)
        assert len(reading.orgs()) == 1
        assert people(reading) == 5
    assert kept == []
    assert [asked.path for asked in at.asked[:2]] == ["/oauth/token", "/ims/oneroster/v1p1/orgs"]


@pytest.mark.parametrize(
    "stale",
    [
        {"base_url": "/old/ims/oneroster/v1p1"},
        {"token_url": "/old/token"},
        {"auth": "oauth1-sha1"},
        {"auth": "bearer"},
    ],
    ids=["moved", "token moved", "signs no more", "bearer no more"],
)
def test_a_profile_that_no_longer_holds_is_learnt_again_and_kept(stale: dict[str, str]) -> None:
    with server(PEOPLE, guarded) as at:
        moved = {
            name: at.address + value if value.startswith("/") else value for name, value in stale.items()
        }
        kept: list[Profile] = []
        reading = source(at, right(at, **moved), kept)
        assert len(reading.orgs()) == 1
        assert people(reading) == 5
        assert all(proof.complete for proof in reading.evidence.values())
    assert [(p.base_url, p.token_url, p.auth) for p in kept] == [
        (at.base, f"{at.address}/oauth/token", "oauth2")
    ]
    assert "no longer answered" in kept[0].learnt_by


def test_it_is_learnt_again_once_in_a_run_and_not_endlessly() -> None:
    def fickle(asked: Asked, answer: Answer) -> Answer:
        """Found by a probe, and never there when it is read."""
        wanted = asked.query.get("limit") == "10000" and asked.path.endswith("/orgs")
        return Answer(404, b"{}") if wanted else guarded(asked, answer)

    with server(PEOPLE, fickle) as at:
        kept: list[Profile] = []
        reading = source(at, right(at, max_limit=10_000), kept)
        with pytest.raises(SourceFailed, match="nothing at this address"):
            reading.orgs()
        before = len(at.asked)
        with pytest.raises(SourceFailed):
            reading.orgs()
    assert len(kept) == 1
    assert len(at.asked) - before <= 2


def test_a_refused_secret_is_not_guessed_about() -> None:
    def refuse(asked: Asked, answer: Answer) -> Answer:
        return (
            Answer(401, b'{"error": "invalid_client"}') if asked.method == "POST" else guarded(asked, answer)
        )

    with server(PEOPLE, refuse) as at, pytest.raises(SourceFailed, match="does not accept the API Key"):
        source(at, right(at)).orgs()
    assert len(at.asked) == 1


def test_the_version_is_kept_when_the_server_is_found_again() -> None:
    """A person has another id in another version: changing it unasked would bring everybody in anew."""

    def only_newer(asked: Asked, answer: Answer) -> Answer:
        if asked.path == "/ims/oneroster/rostering/v1p2/orgs":
            return Answer(200, b'{"orgs": [{"sourcedId": "x", "name": "L", "type": "school"}]}')
        return answer if asked.method == "POST" else Answer(404, b"{}")

    with server(PEOPLE, only_newer) as at:
        kept: list[Profile] = []
        with pytest.raises(SourceFailed, match="There is nothing at this address"):
            source(at, right(at), kept).orgs()
    assert kept == []


def test_without_a_profile_it_is_found_and_kept() -> None:
    with server(PEOPLE, guarded) as at:
        kept: list[Profile] = []
        reading = source(at, None, kept)
        assert len(reading.orgs()) == 1
        assert people(reading) == 5
    assert [profile.base_url for profile in kept] == [at.base]
    assert Profile.from_json(kept[0].to_json()) == kept[0]


@pytest.mark.parametrize(
    "stored",
    [{}, {"version": "1.1"}, {"version": 1, "base_url": "x"}, {"version": "1.1", "base_url": "", "a": 1}],
)
def test_what_is_stored_and_is_no_profile_is_none(stored: dict[str, object]) -> None:
    assert Profile.from_json(stored) is None


def test_a_school_that_is_listed_twice_is_one_school() -> None:
    def twice(asked: Asked, answer: Answer) -> Answer:
        if not asked.path.endswith("/orgs"):
            return guarded(asked, answer)
        return Answer(body=json.dumps({"orgs": ORGS + ORGS}).encode())

    with server(PEOPLE, twice) as at:
        reading = source(at, right(at))
        assert [org.sourced_id for org in reading.orgs()] == ["org-lincoln"]
        assert not reading.evidence["orgs"].complete
