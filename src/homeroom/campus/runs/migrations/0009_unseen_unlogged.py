"""What a reading did not show is worth nothing after a crash of PostgreSQL: the run reads again. So it need not be logged."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_rekey")]
    operations = [
        migrations.RunSQL("ALTER TABLE runs_unseen SET UNLOGGED", migrations.RunSQL.noop),
    ]
