"""Setting up one site for a command: its settings, its database, its tables."""

import os
import subprocess

import psycopg

from homeroom.cli import show
from homeroom.cli.trouble import WRONG_USE, Trouble

TABLES_LOCK = 0x6D696772  # "migr": one process at a time brings a site's tables up to date


def boot(site: str) -> None:
    """Makes this process one of a site ("campus" or "sis"). Raises `Trouble` when its ground is not there."""
    os.environ["DJANGO_SETTINGS_MODULE"] = f"homeroom.{site}.settings"
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        django.setup()
        _migrate()
    except ImproperlyConfigured as wrong:
        raise Trouble(str(wrong), "Correct the setting, or leave it out.", WRONG_USE) from wrong
    except (OperationalError, psycopg.OperationalError, psycopg.ProgrammingError) as wrong:
        raise database_trouble(wrong) from wrong
    except (subprocess.SubprocessError, RuntimeError, TimeoutError) as wrong:
        raise Trouble(
            "The embedded PostgreSQL does not start",
            "Look at postgres/log in the data directory (HOMEROOM_HOME), free disk space, and try again.",
        ) from wrong


def database_trouble(wrong: Exception) -> Trouble:
    """What to say when PostgreSQL does not answer. Its own words name host and reason, never a password."""
    said = str(wrong).strip().splitlines()
    return Trouble(
        f"The database does not answer: {said[0] if said else 'no answer'}",
        "Check DATABASE_URL (or HOMEROOM_SIS_DATABASE_URL) and that the server runs; without them Homeroom starts its own.",
    )


def _migrate() -> None:
    if not _pending():
        return
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TABLES_LOCK])
        try:
            if _pending():
                show.note("Bringing the tables up to date …")
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TABLES_LOCK])


def _pending() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
