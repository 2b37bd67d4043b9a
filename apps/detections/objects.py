"""The object store has moved to `apps.core.objects`."""

from apps.core.objects import object_delete, object_get, object_put, store

__all__ = ["object_delete", "object_get", "object_put", "store"]
