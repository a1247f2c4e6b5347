"""Calls to a SIS side, as tests make them: a token of every scope, pages, and addresses with ids put in their places."""

from typing import Any
from urllib.parse import quote

import urllib3

from homeroom.oneroster.endpoints import Endpoint
from tests.conftest import SisSite

http = urllib3.PoolManager(retries=False)


def token_for(site: SisSite, **said: str) -> str:
    """A token; without a scope asked for it has them all, demographics too."""
    form = {"grant_type": "client_credentials", "client_id": site.key, "client_secret": site.secret, **said}
    answer = http.request("POST", f"{site.address}/oauth/token", fields=form, encode_multipart=False)
    assert answer.status == 200, answer.data
    return str(answer.json()["access_token"])


def everything(site: SisSite) -> dict[str, str]:
    """Headers of a call that may read all there is."""
    return {"Authorization": f"Bearer {token_for(site)}"}


def records(
    site: SisSite, version: str, path: str, headers: dict[str, str], **query: str
) -> list[dict[str, Any]]:
    """The records of a collection, up to 10,000."""
    answer = http.request(
        "GET", site.base(version) + path, fields={"limit": "10000", **query}, headers=headers
    )
    assert answer.status == 200, answer.data
    (found,) = answer.json().values()
    return list(found)


def address(endpoint: Endpoint, ids: dict[str, str], safe: str = "") -> str:
    """The path of an operation with ids in it: {"school": "s/1"} gives /schools/s%2F1/students."""
    path = endpoint.path
    for name, id_ in ids.items():
        path = path.replace(f"{{{name}}}", quote(id_, safe=safe))
    return path
