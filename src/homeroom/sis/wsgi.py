"""The site as a WSGI application, for the HTTP server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.sis.settings")
application = get_wsgi_application()
