"""A real RTSP server (GStreamer's), run by the system's Python: `rtsp_server.py PORT [USER PASSWORD]`.

Paths: /moving, /static (the same picture for ever), /noise. Prints "ready" once it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PATTERNS = {"moving": "ball", "static": "black", "noise": "snow"}
ENCODER = (
    "videotestsrc is-live=true pattern={pattern} ! video/x-raw,width=320,height=240,framerate=10/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96"
)


def add_sign_in(server: GstRtspServer.RTSPServer, user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[1])
    if len(sys.argv) > 2:
        add_sign_in(server, sys.argv[2], sys.argv[3])
    for name, pattern in PATTERNS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(ENCODER.format(pattern=pattern))
        factory.set_shared(True)
        if len(sys.argv) > 2:
            factory.add_role_from_structure(
                Gst.Structure.new_from_string("user,media.factory.access=true,media.factory.construct=true")
            )
        server.get_mount_points().add_factory(f"/{name}", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
