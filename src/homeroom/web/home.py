"""The data directory, `HOMEROOM_HOME`: embedded database, encryption key, mail kept in place of sending, logs."""

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """The data directory, made readable by its owner alone when it is first needed."""
    path = Path(os.environ.get("HOMEROOM_HOME") or user_data_path("homeroom"))
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
