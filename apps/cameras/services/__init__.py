"""Changes of sites, groups, cameras, zones and grants.

Each is one transaction: a compare-and-set change, its record, and on commit the event that others wait for.
"""

from apps.cameras.services.cameras import (
    camera_create,
    camera_delete,
    camera_disable,
    camera_enable,
    camera_update,
    credentials_clear,
    credentials_set,
)
from apps.cameras.services.grants import grant_give, grant_revoke
from apps.cameras.services.sites import (
    group_create,
    group_delete,
    group_set_cameras,
    group_update,
    site_create,
    site_delete,
    site_update,
)
from apps.cameras.services.zones import zone_create, zone_delete, zone_update

__all__ = [
    "camera_create",
    "camera_delete",
    "camera_disable",
    "camera_enable",
    "camera_update",
    "credentials_clear",
    "credentials_set",
    "grant_give",
    "grant_revoke",
    "group_create",
    "group_delete",
    "group_set_cameras",
    "group_update",
    "site_create",
    "site_delete",
    "site_update",
    "zone_create",
    "zone_delete",
    "zone_update",
]
