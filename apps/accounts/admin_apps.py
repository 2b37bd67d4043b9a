"""Puts the product's administration site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class VidetteAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS instead of `django.contrib.admin`."""

    default_site = "apps.accounts.admin_site.VidettePanel"
