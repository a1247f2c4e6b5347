"""What many commands take."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
School = Annotated[str, typer.Argument(metavar="SCHOOL", help="A school's name or id.")]
