"""How many cases plans select, for a whole list of plans in one query."""

from collections.abc import Sequence

from django.db import connection

from apps.catalog.models import TestCase, TestPlan, TestSuite

# The same rule as plan_services.cases_of; a test holds the two together.
_COUNTS = f"""
    WITH RECURSIVE below(plan, suite) AS (
        SELECT testplan_id, testsuite_id FROM {TestPlan.suites.through._meta.db_table} WHERE testplan_id = ANY(%s)
        UNION
        SELECT below.plan, child.id FROM {TestSuite._meta.db_table} child JOIN below ON child.parent_id = below.suite
    ), chosen(plan, "case") AS (
        SELECT testplan_id, testcase_id FROM {TestPlan.cases.through._meta.db_table} WHERE testplan_id = ANY(%s)
        UNION
        SELECT below.plan, own.id FROM {TestCase._meta.db_table} own JOIN below ON own.suite_id = below.suite
        UNION
        SELECT plan.id, own.id
        FROM {TestPlan._meta.db_table} plan
        JOIN {TestCase._meta.db_table} own
            ON own.system_id = plan.system_id AND (plan.everything OR own.tags && plan.tags)
        WHERE plan.id = ANY(%s)
    )
    SELECT chosen.plan, count(*) FROM chosen
    JOIN {TestCase._meta.db_table} own ON own.id = chosen."case" AND own.status = %s
    GROUP BY chosen.plan
"""  # noqa: S608 (table names of ours)


def count_cases(plans: Sequence[TestPlan]) -> dict[int, int]:
    """Number of active cases that each plan (by id) selects; plans without any are left out."""
    ids = [plan.pk for plan in plans]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [ids, ids, ids, TestCase.Status.ACTIVE.value])
        return dict(cursor.fetchall())
