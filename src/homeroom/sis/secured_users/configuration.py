"""API Configuration: the addresses that an administrator copies into the app."""

import os

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from homeroom.oneroster.endpoints import BASE_PATHS, V1P1, V1P2

TOKEN_PATH = "/oauth/token"  # noqa: S105 # an address, not a secret


def root(request: HttpRequest) -> str:
    """The site's address as people reach it: HOMEROOM_SIS_URL, else the one this request came to."""
    return os.environ.get("HOMEROOM_SIS_URL", "").rstrip("/") or f"{request.scheme}://{request.get_host()}"


@login_required
def api_configuration(request: HttpRequest) -> HttpResponse:
    """The OneRoster API URL, with a copy button, and the rest for apps that ask for more."""
    site = root(request)
    rows = (
        ("OneRoster API URL", site + BASE_PATHS[V1P1], "OneRoster 1.1, which most apps ask for"),
        ("OneRoster API URL (1.2)", site + BASE_PATHS[V1P2], "For apps that ask for OneRoster 1.2"),
        ("Token URL", site + TOKEN_PATH, "OAuth 2.0 client credentials; most apps find it by themselves"),
    )
    return render(request, "secured_users/configuration.html", {"area": "configuration", "rows": rows})
