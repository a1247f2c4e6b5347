"""Where mail goes: to the server that `EMAIL_URL` names, else into files of the data directory.

`smtp://user:password@host:587/?tls=1&from=roster@school.example`; `smtps://` speaks TLS from the start.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DEFAULT_FROM = "Homeroom <homeroom@localhost>"


def mail_settings(url: str, kept: Path) -> dict[str, Any]:
    """Django's mail settings for an EMAIL_URL; without one, each mail is kept as a file in `kept`.

    Raises ValueError, with an example, for an address that is not smtp or smtps.
    """
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(kept),
            "DEFAULT_FROM_EMAIL": DEFAULT_FROM,
        }
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("EMAIL_URL is not understood. It looks like smtp://user:password@host:587/?tls=1")
    query = parse_qs(parts.query)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": query.get("tls", ["0"])[0] == "1",
        "EMAIL_TIMEOUT": 30,
        "DEFAULT_FROM_EMAIL": query.get("from", [DEFAULT_FROM])[0],
    }
