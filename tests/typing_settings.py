"""What the type checker looks at: the tests' settings without their database, which it would start and leave running."""

import os

os.environ.setdefault("DATABASE_URL", "postgres://nobody@localhost/nothing")
os.environ.setdefault("HOMEROOM_SIS_DATABASE_URL", "postgres://nobody@localhost/nothing")

from tests.settings import *  # noqa: F403
