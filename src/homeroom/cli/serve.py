"""The school app: its server and its workers."""

import asyncio
import atexit
import os
import signal
import time
from typing import Annotated

import typer

from homeroom.cli import show
from homeroom.cli.boot import boot
from homeroom.cli.serving import child, choose_port, serve_site, stop
from homeroom.web.address import listens
from homeroom.web.lifeline import end_with_parent

AGAIN_AFTER = 2.0  # seconds
GRACE = 8.0  # seconds a run may take to reach a safe place; it is safe to cut off anywhere, and goes on later


def add_to(app: typer.Typer) -> None:
    """Hangs these commands into the program."""
    app.command()(serve)
    app.command()(worker)


def serve(
    host: str = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="8000, or the next free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer pages.")] = 1,
) -> int:
    """Serves the school app until Ctrl-C. With the embedded database it runs its worker too."""
    chosen = choose_port(host, port, 8000)
    address = listens("campus", host, chosen)  # mails lead here, unless told otherwise
    boot("campus")
    from homeroom.web.postgres import is_embedded

    show.note(f"The school app is at {address}")
    jobs = [child("worker")] if is_embedded("campus") else []
    try:
        return serve_site("campus", host, chosen, workers)
    finally:
        stop(jobs)


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Runs at one time in this process.")] = 2,
) -> int:
    """Carries out runs, until Ctrl-C. Many workers, on many machines, may share one PostgreSQL."""
    boot("campus")
    end_with_parent()
    while not asyncio.run(_work(concurrency)):
        show.note("The worker ended, as it does when PostgreSQL restarts; it starts again.")
        time.sleep(AGAIN_AFTER)
    return 0


async def _work(concurrency: int) -> bool:
    """One worker until it ends. True when a signal asked for it, False when it should be started again."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    jobs = asyncio.create_task(_jobs(concurrency))
    asked = asyncio.create_task(stopped.wait())
    await asyncio.wait({jobs, asked}, return_when=asyncio.FIRST_COMPLETED)
    if stopped.is_set():
        jobs.cancel()
        await asyncio.wait({jobs}, timeout=GRACE)
        atexit._run_exitfuncs()  # noqa: SLF001 # lets go of the embedded database
        os._exit(0)  # a run in a thread cannot be cancelled, only left; the next worker goes on with it
    asked.cancel()
    if jobs.exception() is not None:
        show.note(f"The worker was cut off ({type(jobs.exception()).__name__}).")
    return False


async def _jobs(concurrency: int) -> None:
    from procrastinate.contrib.django import app

    with app.replace_connector(app.connector.get_worker_connector()) as working:  # type: ignore[attr-defined]
        async with working.open_async():
            await working.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE,
                delete_jobs="successful",
            )
