"""From here on the database refuses to change or delete the histories of rollouts."""

from django.db import migrations

from apps.audit.append_only import protect, unprotect
from apps.rollouts.append_only import HISTORIES


def install(apps, schema_editor):
    for history in HISTORIES:
        protect(schema_editor.connection, history)


def remove(apps, schema_editor):
    for history in HISTORIES:
        unprotect(schema_editor.connection, history)


class Migration(migrations.Migration):
    dependencies = [("rollouts", "0002_rollouts"), ("audit", "0003_checkpoints")]

    operations = [migrations.RunPython(install, remove)]
