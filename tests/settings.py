"""Both sites' rooms in one settings module, for tests and types only; each test folder picks its site's addresses."""

import atexit
import os
import shutil
import tempfile

if "HOMEROOM_HOME" not in os.environ:  # the processes of xdist take over the one of the process that began
    os.environ["HOMEROOM_HOME"] = tempfile.mkdtemp(prefix="homeroom-tests-")
    # Registered before the database is started, and so done after it has stopped.
    atexit.register(shutil.rmtree, os.environ["HOMEROOM_HOME"], ignore_errors=True)
# Playwright's loop runs in the thread of the tests for as long as its browser is open; no test of ours is asynchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from homeroom.campus.settings import *
from homeroom.campus.settings import INSTALLED_APPS as CAMPUS_APPS
from homeroom.sis.settings import INSTALLED_APPS as SIS_APPS

INSTALLED_APPS = [*CAMPUS_APPS, *(app for app in SIS_APPS if app not in CAMPUS_APPS)]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
KEEP_DELETED_DAYS = 90
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
TEST_PATIENCE = 60.0  # tests look at whole answers; the one of the progress sets its own
PREVIEW_PATIENCE = 60.0
REQUESTS_PER_SECOND = 0.0
