"""What was pasted, and where the server and its tokens are looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.oneroster.address import (
    MOST_BASES,
    MOST_TOKENS,
    base_groups,
    given_token_url,
    host_of,
    tidy,
    token_candidates,
)
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.presets import PRESETS

SIS = ["other", *PRESETS]
CAMPUS = "https://d.example/campus/api/oneroster/v1p2/district/ims/oneroster"


@pytest.mark.parametrize(
    ("pasted", "url", "version"),
    [
        ("sis.example", "https://sis.example", ""),
        ("https://SIS.example:8443/", "https://sis.example:8443", ""),
        ("http://sis.example/api", "https://sis.example/api", ""),
        ("http://127.0.0.1:8000/ims/oneroster", "http://127.0.0.1:8000/ims/oneroster", ""),
        ("https://s.example/ims/oneroster/v1p1/", "https://s.example/ims/oneroster/v1p1", "1.1"),
        (
            "https://s.example/ims/oneroster/v1p1/orgs?limit=5#x",
            "https://s.example/ims/oneroster/v1p1",
            "1.1",
        ),
        (
            "s.example//ims/oneroster/rostering/v1p2/users",
            "https://s.example/ims/oneroster/rostering/v1p2",
            "1.2",
        ),
        ("“https://s.example/V1P1/schools/4/students”", "https://s.example/V1P1", "1.1"),
        (CAMPUS, CAMPUS, ""),
        (f"{CAMPUS}/rostering/v1p2", f"{CAMPUS}/rostering/v1p2", "1.2"),
        (f"{CAMPUS}/rostering/v1p2/orgs", f"{CAMPUS}/rostering/v1p2", "1.2"),
        ("https://p.example/proxy/v1p0/SG9t%3D", "https://p.example/proxy/v1p0/SG9t%3D", ""),
        ("https://s.example/skyward/oauth/token?x=1", "https://s.example/skyward", ""),
        ("https://d.example/campus/oauth2/token?appName=app", "https://d.example/campus", ""),
    ],
)
def test_an_address_is_tidied(pasted: str, url: str, version: str) -> None:
    address = tidy(pasted)
    assert (address.url, address.version) == (url, version)
    assert tidy(address.url).url == url


@pytest.mark.parametrize(
    "pasted", ["", "not an address", "ftp://s.example", "https://key:secret@s.example/", "https://["]
)
def test_what_is_no_address_is_said_to_be_none(pasted: str) -> None:
    with pytest.raises(ExchangeFailed) as failed:
        tidy(pasted)
    assert failed.value.kind == "address"
    assert host_of(pasted) == ""


def test_plain_http_stays_for_the_very_host_that_was_consented_to() -> None:
    assert tidy("http://sis.school.example/x", "sis.school.example").root == "http://sis.school.example"
    assert tidy("http://other.example/x", "sis.school.example").root == "https://other.example"
    assert tidy("http://other.example:80/x").root == "https://other.example"


def test_what_was_typed_in_full_comes_first_and_others_follow() -> None:
    groups = base_groups(tidy("https://s.example/sis/ims/oneroster/v1p1/orgs"))
    urls = [base.url.removeprefix("https://s.example") for group in groups for base in group]
    assert urls[:3] == [
        "/sis/ims/oneroster/v1p1",
        "/sis/ims/oneroster/rostering/v1p2",
        "/sis/ims/oneroster/v1p2",
    ]
    assert "/ims/oneroster/v1p1" in urls


def test_1_2_is_asked_before_1_1_where_nothing_was_typed() -> None:
    first = base_groups(tidy("https://s.example"))[0]
    assert [base.version for base in first] == ["1.2", "1.2", "1.1"]


def test_a_version_that_is_known_is_the_only_one_looked_for() -> None:
    groups = base_groups(tidy("https://s.example/ims/oneroster/v1p1"), version="1.1")
    assert {base.version for group in groups for base in group} == {"1.1"}


@pytest.mark.parametrize("sis", SIS)
def test_the_sis_only_orders_the_guesses(sis: str) -> None:
    plain = {base.url for group in base_groups(tidy("https://s.example")) for base in group}
    ordered = {base.url for group in base_groups(tidy("https://s.example"), sis) for base in group}
    assert len(ordered & plain) >= len(plain) - 3  # the list has an end; its last row may give way
    assert all(url.startswith("https://s.example/") for url in ordered)


@given(st.text(alphabet="abv1p2/ims.oneroster?token&=%", max_size=60), st.sampled_from(SIS))
def test_no_address_leads_to_more_than_so_many_guesses_nor_to_another_host(path: str, sis: str) -> None:
    address = tidy(f"https://s.example/{path}")
    bases = [base for group in base_groups(address, sis) for base in group]
    assert 0 < len(bases) <= MOST_BASES
    assert len({base.url for base in bases}) == len(bases)
    for base in bases[:3]:
        tokens = token_candidates(address, base.url, sis)
        assert 0 < len(tokens) <= MOST_TOKENS
        assert all(url.startswith("https://s.example/") for url in (base.url, *tokens))


def test_the_company_s_own_token_service_is_guessed_for_its_own_hosts_alone() -> None:
    def tokens(url: str) -> list[str]:
        return token_candidates(tidy(url), url, "blackbaud")

    far = "https://oauth2.sky.blackbaud.com/token"
    assert far in tokens("https://api.sky.blackbaud.com/afe-rostr/ims/oneroster/v1p1")
    assert far not in tokens("https://blackbaud.com.evil.example/ims/oneroster/v1p1")
    assert far not in tokens("https://notblackbaud.com/ims/oneroster/v1p1")


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("", ""),
        ("https://id.example/token?tenant=7", "https://id.example/token?tenant=7"),
        ("id.example/token", "https://id.example/token"),
        ("/skyward/oauth/token", "https://s.example/skyward/oauth/token"),
        (" http://s.example/oauth/token ", "https://s.example/oauth/token"),
        ("http://id.example/token", "http://id.example/token"),  # which the exchange then refuses
    ],
)
def test_a_token_address_that_was_given_keeps_its_query(typed: str, url: str) -> None:
    assert given_token_url(typed, tidy("https://s.example/api")) == url


def test_a_token_address_pasted_as_the_url_is_taken_for_what_it_is() -> None:
    address = tidy("https://d.example/campus/oauth2/token?appName=app")
    assert given_token_url("", address) == "https://d.example/campus/oauth2/token?appName=app"
