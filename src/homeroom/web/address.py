"""Where a site is reached: as its setting says, else where it last listened. What a command prints and a mail leads to is true
also when the site was given a port of its own."""

import os

from homeroom.web.home import home

SETTINGS = {"campus": "HOMEROOM_URL", "sis": "HOMEROOM_SIS_URL"}
_USUAL = {"campus": "http://127.0.0.1:8000", "sis": "http://127.0.0.1:8010"}
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def address_of(site: str) -> str:
    """The address of the site `campus` or `sis`, without a slash at its end."""
    said = os.environ.get(SETTINGS[site], "") or _noted(site) or _USUAL[site]
    return said.rstrip("/")


def listens(site: str, host: str, port: int) -> str:
    """Notes where a site listens from now on, and returns the address for a browser on this machine. In this process and
    its children the site's setting says the same, unless it says something else already; of a site that listens on every
    address it says nothing, since people reach it under another."""
    name = "127.0.0.1" if host in _EVERY_ADDRESS else f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}"
    (home() / f"{site}-address").write_text(address)
    if host not in _EVERY_ADDRESS:
        os.environ.setdefault(SETTINGS[site], address)
    return address


def _noted(site: str) -> str:
    try:
        return (home() / f"{site}-address").read_text()
    except OSError:
        return ""
