from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0010_sought'),
    ]

    operations = [
        # Hashes without a key could be guessed, so none of them stays. What a record was decided under names the key from now on, so
        # the next sync looks at every record once and writes the hashes anew; people and what was decided about them stay.
        migrations.RunSQL("UPDATE connections_sourcerecord SET sought = '{}' WHERE sought <> '{}'", migrations.RunSQL.noop),
    ]
