"""`homeroom doctor`: what the installation stands on, point by point, with the cure where something is wrong."""

import os
import shutil
import smtplib
import stat
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

import typer

from homeroom.cli import show
from homeroom.cli.arguments import Json
from homeroom.cli.boot import boot
from homeroom.cli.trouble import FAILED
from homeroom.sync.reading import Check

ENOUGH_DISK = 1 << 30  # bytes
CLOCK_MAY_DIFFER = timedelta(seconds=60)


def add_to(app: typer.Typer) -> None:
    """Hangs this command into the program."""
    app.command()(doctor)


def doctor(json: Json = False) -> int:
    """Database, key, mail, schedule, clock, disk: what is wrong and the cure."""
    boot("campus")
    points: tuple[Callable[[], Check], ...] = (database, key, mail, schedule, clock, disk)
    found = [point() for point in points]
    ok = all(check.ok is not False for check in found)
    if json:
        show.document({"ok": ok, "checks": [asdict(check) for check in found]})
    else:
        show.checks(found)
    return 0 if ok else FAILED


def database() -> Check:
    """The database answers, as `boot` has just seen; which one, and its version."""
    from django.db import connection

    from homeroom.web.postgres import is_embedded

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return Check(
        "Database",
        True,
        f"PostgreSQL {version}, {'embedded' if is_embedded('campus') else 'from DATABASE_URL'}",
        "",
    )


def key() -> Check:
    """The encryption key opens every stored secret, and nobody else may read it."""
    from homeroom.campus.connections.models import Connection
    from homeroom.web.home import home
    from homeroom.web.secrets import SecretUnreadable

    try:
        count = len([row.secret for row in Connection.objects.only("secret")])
    except SecretUnreadable as wrong:
        return Check("Encryption key", False, "does not open the stored secrets", str(wrong))
    path = home() / "key"
    if not os.environ.get("HOMEROOM_KEY") and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check("Encryption key", False, f"{path} can be read by others", f"chmod 600 {path}")
    return Check(
        "Encryption key", True, f"opens {count} stored secrets", "Keep a copy of it apart from the database."
    )


def mail() -> Check:
    """Mail has somewhere to go, and the server there answers."""
    from django.core.mail import get_connection

    if not os.environ.get("EMAIL_URL"):
        return Check("Mail", None, "is kept as files in the data directory", "Set EMAIL_URL to send it.")
    try:
        get_connection().open()
    except (OSError, smtplib.SMTPException) as wrong:
        return Check(
            "Mail", False, f"the mail server does not answer ({type(wrong).__name__})", "Check EMAIL_URL."
        )
    return Check("Mail", True, "the mail server answers", "")


def schedule() -> Check:
    """Something is due, and a worker takes it up."""
    from django.utils import timezone

    from homeroom.campus.connections.models import Connection

    due = Connection.objects.filter(enabled=True)
    late = due.filter(next_run_at__lt=timezone.now() - timedelta(minutes=10)).count()
    if late:
        return Check(
            "Schedule",
            False,
            f"{late} connections are overdue",
            "No worker runs: start homeroom serve, or homeroom worker.",
        )
    return Check("Schedule", True, f"{due.count()} connections sync daily", "")


def clock() -> Check:
    """Our clock and the database's agree."""
    from django.db import connection
    from django.utils import timezone

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: datetime = cursor.fetchone()[0]
    apart = abs(timezone.now() - there)
    fine = apart < CLOCK_MAY_DIFFER
    return Check(
        "Clock",
        fine,
        f"{apart.total_seconds():.1f} s from the database's",
        "" if fine else "Set both clocks by NTP.",
    )


def disk() -> Check:
    """The data directory has room."""
    from homeroom.web.home import home

    free = shutil.disk_usage(home()).free
    return Check(
        "Disk", free >= ENOUGH_DISK, f"{free / (1 << 30):.1f} GB free for {home()}", "Free at least 1 GB."
    )
