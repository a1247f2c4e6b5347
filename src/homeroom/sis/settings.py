"""The SIS side's settings: a site of its own, with its own database and its own sign-in."""

import os

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from homeroom.web.postgres import database_url
from homeroom.web.settings import *
from homeroom.web.settings import GROUND_APPS

SITE_NAME = "Homeroom SIS"
SITE_CLASS = "sis"
SITE_PURPOSE = "The student information system's side: secured users, keys, and the data they may read."
NAVIGATION = "sis/navigation.html"
BANNER = "rehearsal/banner.html"
ROOT_URLCONF = "homeroom.sis.urls"
WSGI_APPLICATION = "homeroom.sis.wsgi.application"
SESSION_COOKIE_NAME = "homeroom_sis_session"
CSRF_COOKIE_NAME = "homeroom_sis_csrf"
HTTPS = os.environ.get("HOMEROOM_SIS_URL", "").startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
DATABASES = {"default": dj_database_url.parse(database_url("sis"), conn_max_age=60)}
_KEPT = os.environ.get("HOMEROOM_SIS_KEEP_DELETED_DAYS", "90")
if not _KEPT.isdecimal():
    raise ImproperlyConfigured(
        f"HOMEROOM_SIS_KEEP_DELETED_DAYS is a number of days, such as 90, not {_KEPT}."
    )
KEEP_DELETED_DAYS = int(_KEPT)
INSTALLED_APPS = [
    *GROUND_APPS,
    "homeroom.sis",
    "homeroom.sis.secured_users",
    "homeroom.sis.records",
    "homeroom.sis.sharing",
    "homeroom.sis.rehearsal",
    "homeroom.sis.explorer",
]
