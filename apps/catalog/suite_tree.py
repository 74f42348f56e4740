"""The tree of suites of a system, read in two queries whatever its size."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.db.models.expressions import RawSQL

from apps.catalog.models import TestCase, TestSuite
from apps.systems.models import System

_BELOW = f"""
    WITH RECURSIVE below(id) AS (
        SELECT unnest(%s::bigint[])
        UNION
        SELECT child.id FROM {TestSuite._meta.db_table} child JOIN below ON child.parent_id = below.id
    ) SELECT id FROM below
"""  # noqa: S608 (a table name of ours)


@dataclass(slots=True)
class Node:
    """A suite in the tree; *own* cases stand in it, *total* counts those below it, too (archived ones left out)."""

    suite: TestSuite
    depth: int
    own: int
    total: int = 0
    children: list["Node"] = field(default_factory=list)
    path: tuple[str, ...] = ()

    @property
    def pk(self) -> int:
        return self.suite.pk

    @property
    def name(self) -> str:
        """Names from the root to here."""
        return " / ".join(self.path)


def tree(system: System) -> list[Node]:
    """All suites, parents before children, in their order."""
    suites = list(system.suites.all())
    counts = dict(
        TestCase.objects.filter(system=system)
        .exclude(status=TestCase.Status.ARCHIVED)
        .order_by()
        .values_list("suite")
        .annotate(count=Count("pk"))
    )
    children: dict[int | None, list[TestSuite]] = defaultdict(list)
    for suite in suites:
        children[suite.parent_id].append(suite)
    return [node for root in _nodes(children, counts, None, ()) for node in walk(root)]


def _nodes(
    children: dict[int | None, list[TestSuite]], counts: dict[int, int], parent: int | None, path: tuple[str, ...]
) -> list[Node]:
    nodes = []
    for suite in children.get(parent, ()):
        node = Node(suite, len(path), counts.get(suite.pk, 0), path=(*path, suite.name))
        node.children = _nodes(children, counts, suite.pk, node.path)
        node.total = node.own + sum(child.total for child in node.children)
        nodes.append(node)
    return nodes


def walk(node: Node) -> Iterator[Node]:
    """*node* and all below it, parents first."""
    yield node
    for child in node.children:
        yield from walk(child)


_ABOVE = f"""
    WITH RECURSIVE above(id, up, height) AS (
        SELECT id, parent_id, 0 FROM {TestSuite._meta.db_table} WHERE id = %s
        UNION ALL
        SELECT suite.id, suite.parent_id, height + 1
        FROM {TestSuite._meta.db_table} suite JOIN above ON suite.id = above.up
    ) SELECT suite.* FROM {TestSuite._meta.db_table} suite JOIN above USING (id) ORDER BY height DESC
"""  # noqa: S608 (a table name of ours)


def path_to(suite_id: int) -> list[TestSuite]:
    """The suites from the root of the tree to this one, itself included; one query."""
    return list(TestSuite.objects.raw(_ABOVE, [suite_id]))


def in_suites(suites: list[int], column: str = "suite_id") -> Q:
    """Condition: in one of *suites* (ids) or below it, at any depth; evaluated by the database."""
    return Q(**{f"{column}__in": RawSQL(_BELOW, [suites])})  # noqa: S611 (ids are parameters)
