"""Shares live for seconds and are renewed each second: no commit of them needs to wait for the disk."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("execution", "0001_initial")]

    operations = [
        migrations.RunSQL("ALTER TABLE execution_share SET UNLOGGED", "ALTER TABLE execution_share SET LOGGED"),
    ]
