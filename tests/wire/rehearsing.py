"""A SIS side whose secured users rehearse, and a client that knows what each dialect wants."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3
from oauthlib.oauth1 import Client as Signer

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1
from homeroom.sis.rehearsal.dialects import DIALECTS, Auth, Dialect
from tests.commands import Commands

http = urllib3.PoolManager(retries=False)
SCOPE = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
_numbers = itertools.count(1)
NO_DIALECT = Dialect("", "", "", BASE_PATHS[V1P1], "/oauth/token", (V1P1,))


@dataclass
class App:
    """One secured user's app: its key, the token it has, the cookies it keeps."""

    site: str
    name: str
    key: str
    secret: str
    home: Commands
    dialect: Dialect = NO_DIALECT
    token: str = ""
    cookie: str = ""
    statuses: list[int] = field(default_factory=list)

    def rehearse(self, dialect: str = "", *faults: str, **other: str) -> "App":
        """Has its calls answered so from now on."""
        words = [word for fault in faults for word in ("--fault", fault)]
        words += [word for name, value in other.items() for word in (f"--{name}", value)]
        words += ["--dialect", dialect] if dialect else []
        said = self.home("sis", "rehearse", self.name, *words)
        assert said.status == 0, said.err
        self.dialect = DIALECTS.get(dialect, NO_DIALECT)
        return self

    def stop(self) -> "App":
        assert self.home("sis", "rehearse", self.name, "--stop").status == 0
        self.dialect = NO_DIALECT
        return self

    def ask_for_token(self, path: str = "", *, basic: bool = True, **form: str) -> urllib3.BaseHTTPResponse:
        """A call of the token service, as this dialect wants it unless told otherwise."""
        said = {"grant_type": "client_credentials", "scope": SCOPE, **form}
        headers = {}
        if basic:
            headers = {
                "Authorization": "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
            }
        else:
            said |= {"client_id": self.key, "client_secret": self.secret}
        address = self.site + (path or self.dialect.token)
        answer = http.request("POST", address, fields=said, headers=headers, encode_multipart=False)
        if answer.status == 200:
            self.token = answer.json()["access_token"]
            self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        return answer

    def get(self, path: str, base: str = "", **query: str) -> urllib3.BaseHTTPResponse:
        """A call of the API, with what the dialect asks for."""
        address = f"{self.site}{base or self.dialect.base}{path}"
        address += "?" + urlencode(query) if query else ""
        answer = http.request("GET", address, headers=self._headers(address), timeout=20)
        self.statuses.append(answer.status)
        return answer

    def _headers(self, address: str) -> dict[str, str]:
        if self.dialect.auth is Auth.SIGNED:
            _, headers, _ = Signer(self.key, client_secret=self.secret).sign(address, http_method="GET")
            return dict(headers)
        if self.dialect.auth is Auth.BEARER:
            return {"Authorization": f"Bearer {self.secret}"}
        if not self.token:
            assert self.ask_for_token().status == 200
        return {"Authorization": f"Bearer {self.token}", "Cookie": self.cookie}

    def all(self, kind: str, **query: str) -> list[dict[str, Any]]:
        """Every record of a collection, as a careful client reads it: offset by what came, to an empty page."""
        return list(self._pages(kind, query))

    def _pages(self, kind: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            answer = self.get(f"/{kind}", limit="5000", offset=str(offset), **query)
            assert answer.status == 200, answer.data
            page = answer.json()[kind]
            yield from page
            offset += len(page)
            if not page:
                return


def new_app(site: str, home: Commands) -> App:
    """A secured user of its own, with a key."""
    name = f"App {next(_numbers)}"
    assert home("sis", "user", "add", name).status == 0
    key = home("sis", "key", "new", name, "--json").json
    return App(site, name, key["key"], key["secret"], home)
