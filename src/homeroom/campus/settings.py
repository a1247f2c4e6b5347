"""The school app's settings."""

import os

import dj_database_url

from homeroom.web.postgres import database_url
from homeroom.web.settings import *
from homeroom.web.settings import GROUND_APPS

SITE_NAME = "Homeroom"
SITE_CLASS = "campus"
SITE_PURPOSE = "Your school's people, kept in step with its student information system."
NAVIGATION = "campus/navigation.html"
ROOT_URLCONF = "homeroom.campus.urls"
WSGI_APPLICATION = "homeroom.campus.wsgi.application"
SESSION_COOKIE_NAME = "homeroom_session"  # two sites on one host must not overwrite each other's cookies
CSRF_COOKIE_NAME = "homeroom_csrf"
DATABASES = {"default": dj_database_url.parse(database_url("campus"), conn_max_age=60)}
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "start"  # where a feature keeps what a worker does
INSTALLED_APPS = [
    *GROUND_APPS,
    "procrastinate.contrib.django",
    "homeroom.campus",
    "homeroom.campus.schools",
    "homeroom.campus.people",
    "homeroom.campus.connections",
    "homeroom.campus.runs",
]

# Where people of many districts type addresses, none of them may lead into the network that this machine stands in.
HOSTED = os.environ.get("HOMEROOM_HOSTED", "") == "1"
# How many seconds a page waits for Test Connection before it shows how far it is.
TEST_PATIENCE = 2.0
# The same for what other Sync Settings would do.
PREVIEW_PATIENCE = 1.0
REQUESTS_PER_SECOND = float(os.environ.get("HOMEROOM_REQUESTS_PER_SECOND", "10"))
# Below this directory, and nowhere else on this machine, owners may name folders to which exports are written.
CSV_FOLDERS = os.environ.get("HOMEROOM_CSV_FOLDERS", "")
MOST_UPLOADED = 512 * 1024**2  # bytes of one form
FILE_UPLOAD_HANDLERS = [
    "homeroom.campus.connections.csv_upload.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
