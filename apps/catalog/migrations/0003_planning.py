from collections.abc import Iterator
from typing import Any

import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models


def kinds_in(value: Any) -> Iterator[str]:
    """Kinds of all steps in *value*."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from kinds_in(item)
    if isinstance(value, dict) and isinstance(value.get("kind"), str):
        yield value["kind"]


def take_needs(apps: Any, schema_editor: Any) -> None:
    """``command`` was the only restricted kind until here; nothing else was planned from definitions."""
    cases = apps.get_model("catalog", "TestCase").objects.filter(current__isnull=False)
    for case in cases.select_related("current").iterator(chunk_size=500):
        steps = [case.current.definition.get(phase) or [] for phase in ("steps", "teardown")]
        if "command" in kinds_in(steps):
            case.needs = ["command"]
            case.save(update_fields=["needs"])


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_ordered_definitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="testcase",
            name="exclusive",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=100), db_default=[], default=list, editable=False, size=None
            ),
        ),
        migrations.AddField(
            model_name="testcase",
            name="needs",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=30), db_default=[], default=list, editable=False, size=None
            ),
        ),
        migrations.AddField(
            model_name="testcase",
            name="retries",
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="testplan",
            name="priority",
            field=models.CharField(
                choices=[("normal", "In turn"), ("urgent", "Before others")],
                db_default="normal",
                default="normal",
                max_length=10,
                verbose_name="Priority of its runs",
            ),
        ),
        migrations.AddField(
            model_name="testplan",
            name="retries",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                validators=[django.core.validators.MaxValueValidator(5)],
                verbose_name="Further attempts after a failure",
            ),
        ),
        migrations.AddField(
            model_name="testplan",
            name="time_limit",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(10),
                    django.core.validators.MaxValueValidator(604800),
                ],
                verbose_name="Time limit of a run (seconds)",
            ),
        ),
        migrations.RunPython(take_needs, migrations.RunPython.noop),
    ]
