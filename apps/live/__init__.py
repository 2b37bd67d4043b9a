"""Websockets: live pictures and events."""
