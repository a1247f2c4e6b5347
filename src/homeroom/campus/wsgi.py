"""The site as a WSGI application, for the HTTP server."""

import os

from django.core.wsgi import get_wsgi_application

from homeroom.web.lifeline import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homeroom.campus.settings")
end_with_parent()
application = get_wsgi_application()
