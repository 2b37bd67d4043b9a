"""The ASGI application: pages and API by Django, websockets by Channels.

It refuses to start with settings that a system check calls an error.
"""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

_http = get_asgi_application()

# Below this line Django's models can be imported.
from apps.live.routing import websocket_application  # noqa: E402
from webapp.checks import refuse_unsafe_settings  # noqa: E402

refuse_unsafe_settings()
application = ProtocolTypeRouter({"http": _http, "websocket": websocket_application()})
