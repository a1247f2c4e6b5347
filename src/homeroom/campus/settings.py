"""The school app's settings."""

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
