"""What a run stages is worth nothing after a crash of PostgreSQL: the run reads again. So it need not be logged."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE runs_staged SET UNLOGGED", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE runs_stagedlink SET UNLOGGED", migrations.RunSQL.noop),
    ]
