"""JSON that keeps the order of its keys, as a person wrote them."""

import json
from typing import Any

from django.db import models
from psycopg2.extras import Json


class OrderedJSONField(models.JSONField):
    """A column of type ``json``: PostgreSQL's ``jsonb`` sorts keys by length, which spoils a case's YAML and its diffs.

    Such a column cannot be compared by the database (no DISTINCT over it). Not for NULL.
    """

    def db_type(self, connection: Any) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        # Django would write '…'::jsonb, which sorts the keys before they reach the column.
        return Json(value, dumps=lambda data: json.dumps(data, ensure_ascii=False))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        # psycopg2 decodes json by itself, unlike jsonb, which Django decodes.
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value
