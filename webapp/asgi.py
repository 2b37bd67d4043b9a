"""The ASGI application: pages and API by Django, websockets by Channels.

It refuses to start with settings that a system check calls an error.
"""

import os
import re

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup(set_prefix=False)

# Below this line Django's models can be imported.
from apps.core.streamed_body import StreamingHandler  # noqa: E402
from apps.live.routing import websocket_application  # noqa: E402
from webapp.checks import refuse_unsafe_settings  # noqa: E402

STREAMED = re.compile(r"/api/v1/(redactions|models)")

refuse_unsafe_settings()
application = ProtocolTypeRouter({"http": StreamingHandler(STREAMED), "websocket": websocket_application()})
