from django.db import migrations, models


class Migration(migrations.Migration):
    """Tokens that there are keep what they may: everything."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                choices=[
                    ("read", "Read only"),
                    ("run", "Read, run tests, note deployments"),
                    ("write", "Everything that you may do"),
                ],
                default="write",
                max_length=8,
                verbose_name="Scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["read", "run", "write"])), name="token_scope_known"
            ),
        ),
    ]
