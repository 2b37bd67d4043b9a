"""Figures about websocket clients, for the metrics page."""

from prometheus_client import Counter, Gauge

CONNECTED = Gauge("vidette_websocket_clients", "Websockets that are open in this process")
PICTURES = Counter("vidette_live_pictures_sent_total", "Live pictures sent to viewers by this process")
