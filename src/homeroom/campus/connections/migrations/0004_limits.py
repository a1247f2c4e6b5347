"""A policy's limit for removals moves to where those for additions and updates stand beside it."""

from typing import Any

from django.db import migrations


def move(apps: Any, schema_editor: Any) -> None:
    for link in apps.get_model("connections", "RosterLink").objects.exclude(policy={}):
        percent, count = link.policy.pop("hold_percent", 5.0), link.policy.pop("hold_count", 25)
        link.policy["limits"] = {"archive": {"percent": percent, "count": count}}
        link.save(update_fields=["policy"])


class Migration(migrations.Migration):
    dependencies = [("connections", "0003_matching")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
