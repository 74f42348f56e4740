from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0004_control"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="stepresult",
            options={"ordering": ["attempt", "phase", "position", "id"]},
        ),
        migrations.AddField(
            model_name="stepresult",
            name="path",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.RemoveConstraint(
            model_name="stepresult",
            name="step_once",
        ),
        migrations.AddConstraint(
            model_name="stepresult",
            constraint=models.UniqueConstraint(
                fields=("execution", "attempt", "phase", "position", "path"), name="step_once"
            ),
        ),
    ]
