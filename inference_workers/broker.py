"""Addresses of the broker: one variable for redis-py, another spelling for kombu."""

from urllib.parse import urlsplit

from inference_workers.contracts.environment import Environment


def kombu_url(url: str) -> str:
    """`unix:///path?db=0` as kombu spells it, `redis+socket:///path?virtual_host=0`; others unchanged."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = f"?{parts.query.replace('db=', 'virtual_host=')}" if parts.query else ""
    return f"redis+socket://{parts.netloc}{parts.path}{query}"


def broker_url(environment: Environment) -> str:
    """`CELERY_BROKER_URL`, else `REDIS_URL`; whoever only sends tasks needs no other setting."""
    return kombu_url(environment.text("CELERY_BROKER_URL", environment.text("REDIS_URL")))
