"""Sites and cameras in the admin: to find and to look at. They are changed on their own pages, which test a
source before it is saved. Credentials are in no form."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.cameras.models import Camera, CameraGroup, Site, Zone
from apps.core.admin import ReadOnlyAdmin


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    view_capability = Capability.MANAGE_SITES
    list_display = ("name", "time_zone", "allowed_networks")
    search_fields = ("name",)


@admin.register(CameraGroup)
class CameraGroupAdmin(ReadOnlyAdmin):
    view_capability = Capability.MANAGE_SITES
    list_display = ("name", "site")
    list_filter = ("site",)


@admin.register(Camera)
class CameraAdmin(ReadOnlyAdmin):
    view_capability = Capability.MANAGE_CAMERAS
    list_display = ("name", "site", "kind", "url", "enabled", "read_text", "redaction_target")
    list_filter = ("site", "kind", "enabled")
    search_fields = ("name", "url")


@admin.register(Zone)
class ZoneAdmin(ReadOnlyAdmin):
    view_capability = Capability.MANAGE_CAMERAS
    list_display = ("name", "camera", "kind", "script")
    list_filter = ("kind",)
