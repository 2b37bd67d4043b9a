"""From here on the database refuses to change or delete what leases allowed; only a confirmation is added."""

from django.db import migrations

from apps.audit.append_only import protect, unprotect
from apps.dispatch.history import LEASE_CHANGES


def install(apps, schema_editor):
    protect(schema_editor.connection, LEASE_CHANGES)


def remove(apps, schema_editor):
    unprotect(schema_editor.connection, LEASE_CHANGES)


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_history_outlives_camera"), ("audit", "0003_checkpoints")]

    operations = [migrations.RunPython(install, remove)]
