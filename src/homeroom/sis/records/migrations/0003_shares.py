import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import Q


def whole_district(apps, schema_editor):
    """Share 0 is everything; its revision goes on where the old counter stood."""
    old = apps.get_model("records", "Revision").objects.order_by("-number").first()
    apps.get_model("records", "Share").objects.create(id=0, revision=old.number if old else 0)


def texts():
    return django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)


def index(name, *fields, given=""):
    condition = ~Q(**{given: ""}) if given else None
    return migrations.AddIndex("record", models.Index(fields=["share", *fields], name=name, condition=condition))


class Migration(migrations.Migration):

    dependencies = [("records", "0002_revision")]

    operations = [
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("schools", texts()),
                ("groups", texts()),
                ("hidden", texts()),
                ("retold", texts()),
                ("revision", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunPython(whole_district, migrations.RunPython.noop),
        migrations.DeleteModel("Revision"),
        migrations.DeleteModel("Milestone"),
        migrations.RemoveConstraint("record", "one_object_of_an_id"),
        migrations.RemoveConstraint("total", "one_total_of_a_subset"),
        *(
            migrations.RemoveIndex("record", f"record_{name}")
            for name in ("type", "school", "course", "class", "user", "modified")
        ),
        migrations.AddField("record", "share", models.IntegerField(default=0)),
        migrations.AddField("total", "share", models.IntegerField(default=0)),
        migrations.AddConstraint(
            "record", models.UniqueConstraint(fields=["share", "kind", "sourced_id"], name="one_object_of_an_id")
        ),
        migrations.AddConstraint(
            "total", models.UniqueConstraint(fields=["share", "kind", "subset"], name="one_total_of_a_collection")
        ),
        index("record_type", "kind", "type", "sourced_id", given="type"),
        index("record_school", "kind", "school", "sourced_id", given="school"),
        index("record_course", "course", given="course"),
        index("record_class", "class_id", given="class_id"),
        index("record_user", "user", given="user"),
        index("record_modified", "kind", "modified", "sourced_id"),
    ]
