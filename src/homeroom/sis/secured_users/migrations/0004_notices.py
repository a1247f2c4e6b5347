from django.db import migrations

TABLES = ("secured_users_key", "secured_users_secureduser", "secured_users_token", "records_share", "rehearsal_rehearsal")
FUNCTION = """CREATE FUNCTION homeroom_sis_callers_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NOTIFY homeroom_sis_callers; RETURN NULL; END $$"""
# A new token, and a key's last use, change nothing for those who are known already.
WHEN = {
    "secured_users_token": "UPDATE OR DELETE",
    "secured_users_key": "UPDATE OF ends_at, secured_user_id OR DELETE",
    "rehearsal_rehearsal": "INSERT OR DELETE",
}


def trigger(table):
    when = WHEN.get(table, "INSERT OR UPDATE OR DELETE")
    name = f"{table}_notice"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {when} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION homeroom_sis_callers_changed()",
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    """Every write that may change what a caller is or is given sends a notice to the servers that remember callers."""

    dependencies = [
        ("secured_users", "0003_secureduser_share_fetch"),
        ("records", "0003_shares"),
        ("rehearsal", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION homeroom_sis_callers_changed()"),
        *(trigger(table) for table in TABLES),
    ]
