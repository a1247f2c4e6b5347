from django.db import migrations, models

import homeroom.campus.connections.models as ours


class Migration(migrations.Migration):
    """The answer of Test Connection belongs to the school that asked; consent to plain http; a longer list of SIS."""

    dependencies = [("connections", "0005_csv_place")]

    operations = [
        migrations.AddField("connection", "plain_http_host", models.CharField(blank=True, max_length=255)),
        migrations.AddField("rosterlink", "test", models.JSONField(blank=True, default=dict)),
        migrations.AddField("rosterlink", "tested_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(
            "UPDATE connections_rosterlink link SET test = old.test, tested_at = old.tested_at "
            "FROM connections_connection old WHERE old.id = link.connection_id",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField("connection", "test"),
        migrations.RemoveField("connection", "tested_at"),
        migrations.AlterField(
            "connection", "sis", models.CharField(choices=ours.Sis.choices, default="other", max_length=20)
        ),
    ]
