from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("rehearsal", "0001_initial")]

    operations = [migrations.AddField("rehearsal", "spared", models.BooleanField(default=False))]
