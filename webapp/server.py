"""Runs the web process: uvicorn with the limits that the product needs, logs through Django's settings.

uvicorn, because it stops sending to a client that does not read; one worker per process.
"""

import uvicorn

from webapp.settings.values import BIND, PORT

WEBSOCKET_MESSAGE_BYTES = 64 * 1024  # what a browser may send; pictures go the other way
SHUTDOWN_S = 3


def main() -> None:
    uvicorn.run(
        "webapp.asgi:application",
        host=BIND,
        port=PORT,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # The peer's address is judged by the product itself, from TRUSTED_PROXIES.
        proxy_headers=False,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


if __name__ == "__main__":
    main()
