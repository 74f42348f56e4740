from django.db import migrations

import apps.catalog.ordered_json


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="caserevision",
            name="definition",
            field=apps.catalog.ordered_json.OrderedJSONField(),
        ),
    ]
