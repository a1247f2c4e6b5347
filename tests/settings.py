"""Both sites' rooms in one settings module, for tests and types only; each test folder picks its site's addresses."""

import os
import tempfile

os.environ.setdefault("HOMEROOM_HOME", tempfile.mkdtemp(prefix="homeroom-tests-"))

from homeroom.campus.settings import *
from homeroom.campus.settings import INSTALLED_APPS as CAMPUS_APPS
from homeroom.sis.settings import INSTALLED_APPS as SIS_APPS

INSTALLED_APPS = [*CAMPUS_APPS, *(app for app in SIS_APPS if app not in CAMPUS_APPS)]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
