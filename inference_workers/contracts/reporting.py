"""How both planes report errors: the options of Sentry's client, with the scrubber in every path out.

Sentry sends addresses with credentials by default, in exception text, local variables, breadcrumbs and spans
(measured with sentry-sdk 2.75, even with `send_default_pii=False`). Nothing here imports the client, so that
the contract stays within the standard library; `sentry_sdk.init(**sentry_options(...))` takes it.
"""

from typing import Any

from inference_workers.contracts.scrub import HIDDEN, scrub

_KEPT_HEADERS = frozenset({"host", "user-agent", "content-type", "content-length", "x-request-id"})


def sentry_options(dsn: str, *, process: str, release: str = "") -> dict[str, Any]:
    """Options for `sentry_sdk.init`; an empty `dsn` leaves the client switched off.

    `send_default_pii` is left alone: unset means off, and naming it is deprecated since 2.75.

    Args:
        process: name of the process ("web", "streams", …), sent as the server's name instead of the host's.
    """
    return {
        "dsn": dsn or None,
        "release": release or None,
        "server_name": process,
        "include_local_variables": False,
        "include_source_context": False,
        "max_request_body_size": "never",
        "enable_logs": False,
        "auto_session_tracking": False,
        "spotlight": False,
        "before_send": scrub_event,
        "before_send_transaction": scrub_event,
        "before_breadcrumb": scrub_hook,
        "before_send_log": scrub_hook,
        "before_send_metric": scrub_hook,
    }


def scrub_hook(item: Any, _hint: Any) -> Any:
    """Hook for breadcrumbs, logs and metrics."""
    return scrub(item)


def scrub_event(event: Any, _hint: Any) -> Any:
    """Hook for events and transactions: no user, no body, no cookies, no locals, the rest scrubbed."""
    event.pop("user", None)
    event["request"] = _request(event["request"]) if event.get("request") else {}
    for frame in _frames(event):
        frame.pop("vars", None)
    job = (event.get("extra") or {}).get("celery-job")
    if isinstance(job, dict):
        job.update(args=HIDDEN, kwargs=HIDDEN)
    return scrub(event)


def _request(request: dict[str, Any]) -> dict[str, Any]:
    headers = request.get("headers") or {}
    return {
        "url": request.get("url"),
        "method": request.get("method"),
        "headers": {name: value for name, value in headers.items() if name.lower() in _KEPT_HEADERS},
    }


def _frames(event: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [
        *((event.get("exception") or {}).get("values") or []),
        *((event.get("threads") or {}).get("values") or []),
        event,
    ]
    return [
        frame
        for part in parts
        for frame in ((part or {}).get("stacktrace") or {}).get("frames") or []
        if isinstance(frame, dict)
    ]
