from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("detections", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="cameraruntime",
            name="lease_revision",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="cameraruntime",
            name="withheld",
            field=models.CharField(blank=True, max_length=40),
        ),
    ]
