"""Opens the chain with its first record and has the database refuse every change of it."""

from django.db import migrations
from django.utils import timezone

from apps.audit.chain import GENESIS_ACTION, GENESIS_PREVIOUS, record_hash
from apps.audit.triggers import chain_triggers_install, chain_triggers_remove


def open_chain(apps, schema_editor):
    record_model = apps.get_model("audit", "AuditRecord")
    head_model = apps.get_model("audit", "AuditHead")
    record = record_model(
        seq=0,
        at=timezone.now(),
        kind="system",
        action=GENESIS_ACTION,
        actor_name="migrate",
        actor_role="system",
        details={},
        previous_hash=GENESIS_PREVIOUS,
    )
    record.hash = record_hash(record)
    record.save(force_insert=True)
    head_model.objects.create(id=1, seq=0, hash=record.hash)


def close_chain(apps, schema_editor):
    """Going back to nothing: allowed only while nothing but the first record is in it."""
    record_model = apps.get_model("audit", "AuditRecord")
    if record_model.objects.exclude(seq=0).exists():
        raise RuntimeError("the record holds entries; it cannot be migrated away")
    record_model.objects.all().delete()
    apps.get_model("audit", "AuditHead").objects.all().delete()


def install(apps, schema_editor):
    chain_triggers_install(schema_editor.connection)


def remove(apps, schema_editor):
    chain_triggers_remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(open_chain, close_chain),
        migrations.RunPython(install, remove),
    ]
