"""The site as a WSGI application: the OneRoster API on a lean path of its own, all other addresses through Django."""

import os
import threading
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from homeroom.web.lifeline import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.sis.settings")
end_with_parent()
pages = get_wsgi_application()

from homeroom.sis.oneroster_api.app import api, serves  # noqa: E402 # Django must be set up first
from homeroom.sis.oneroster_api.pages import site_address  # noqa: E402
from homeroom.sis.oneroster_api.snapshots import snapshots  # noqa: E402
from homeroom.sis.records.deleted import keep_forgetting  # noqa: E402

if site_address():
    snapshots.keep_ready(site_address())
threading.Thread(target=keep_forgetting, daemon=True).start()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """One request of the site."""
    if serves(environ.get("PATH_INFO", "")):
        return api(environ, start_response)
    return pages(environ, start_response)
