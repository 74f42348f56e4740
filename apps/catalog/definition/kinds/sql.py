"""SQL statements against a database."""

from apps.catalog.definition.fields import Field, Kind, Subject
from apps.catalog.definition.kinds.shared import certificate_authority, client_certificate, duration
from apps.catalog.definition.marks import _
from apps.catalog.definition.operators import EVERY, NUMERIC

SQL = Kind(
    name="sql",
    label=_("SQL"),
    summary=_("Runs a statement in a PostgreSQL, MySQL or MariaDB database and checks its rows."),
    icon="database",
    fields=(
        Field(
            name="url",
            type="text",
            label=_("Database URL"),
            required=True,
            secret=True,
            placeholder="{{ ORDERS_DB }}",
            help=_("postgresql://, mysql:// or mariadb://user:password@host/name"),
        ),
        Field(
            name="query",
            type="code",
            label=_("Statement"),
            required=True,
            placeholder="SELECT state FROM orders WHERE id = %(id)s",
        ),
        Field(
            name="params",
            type="values",
            label=_("Parameters"),
            help=_("A list for %s or a mapping for %(name)s; bound by the driver, never pasted into the text."),
        ),
        certificate_authority(),
        client_certificate(),
    ),
    subjects=(
        Subject(name="rows", label=_("Rows"), value="structured", at="jsonpath", operators=EVERY),
        Subject(name="row_count", label=_("Number of rows"), value="number", operators=NUMERIC),
        duration(),
    ),
    main="rows",
)
