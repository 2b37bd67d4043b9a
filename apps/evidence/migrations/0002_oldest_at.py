from django.db import migrations, models
from django.db.models import F


def count_from_the_beginning(apps, schema_editor):
    """Packs that are there already: nothing in them is older than the beginning of their time."""
    apps.get_model("evidence", "EvidencePack").objects.update(oldest_at=F("since"))


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0001_initial"),
    ]

    operations = [
        migrations.AddField("evidencepack", "oldest_at", models.DateTimeField(null=True)),
        migrations.RunPython(count_from_the_beginning, migrations.RunPython.noop, elidable=True),
        migrations.AlterField("evidencepack", "oldest_at", models.DateTimeField()),
    ]
