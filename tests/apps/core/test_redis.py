"""The shared connections to Redis."""

from apps.core import redis


def test_the_client_is_shared_and_works(redis_url):
    assert redis.client() is redis.client()
    redis.client().set("key", "value")
    assert redis.client().get("key") == b"value"


async def test_each_event_loop_has_a_client_of_its_own(redis_url):
    client = redis.async_client()
    assert client is redis.async_client()
    await client.set("key", "other")
    assert await client.get("key") == b"other"
    await client.aclose()
