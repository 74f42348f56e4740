"""The list of cases: each with its last result and history strip in one environment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from apps.catalog.models import TestCase
from apps.catalog.services import Node, tree
from apps.environments.models import Environment
from apps.insights.cases.filters import CaseFilter, in_order, is_sort, matching
from apps.runs.models import CaseRecord
from apps.systems.models import System

PAGE = 50
DEFAULT_SORT = "number"


@dataclass(frozen=True)
class Row:
    """A case and how it last did in the environment that is shown."""

    case: TestCase
    record: CaseRecord | None


@dataclass(frozen=True)
class CaseList:
    """Everything that the page of cases shows."""

    form: CaseFilter
    chosen: dict[str, Any]
    nodes: list[Node]
    node: Node | None
    path: list[Node]
    environments: list[Environment]
    environment: Environment | None
    page: Page[Any]
    rows: list[Row]
    sort: str
    total: int
    filters: int = field(default=0)

    @property
    def within(self) -> str:
        """Query string that names the chosen suite; "" when there is none."""
        return f"?suite={self.node.pk}" if self.node else ""

    @property
    def in_suite(self) -> bool:
        """Whether all rows stand in one suite without suites below it, so that its name need not be repeated."""
        return self.node is not None and not self.node.children


def environment_of(environments: Sequence[Environment], slug: str) -> Environment | None:
    """The environment called *slug*, else the first."""
    return next((one for one in environments if one.slug == slug), environments[0] if environments else None)


def case_list(system: System, query: QueryDict) -> CaseList:
    """The list under the filters of *query*; its number of queries does not depend on how much there is."""
    environments = list(system.environments.all())
    form = CaseFilter(query, system, environments)
    chosen = form.chosen()
    environment = environment_of(environments, chosen.get("environment", ""))
    sort = query.get("sort", "")
    sort = sort if is_sort(sort) else DEFAULT_SORT
    nodes = tree(system)
    node = next((node for node in nodes if node.pk == chosen.get("suite")), None)
    found = in_order(matching(system, chosen, environment), sort, environment)
    page = Paginator(found.select_related("suite"), PAGE).get_page(query.get("page"))
    return CaseList(
        form=form,
        chosen=chosen,
        nodes=nodes,
        node=node,
        path=_path(nodes, node),
        environments=environments,
        environment=environment,
        page=page,
        rows=rows(page.object_list, environment),
        sort=sort,
        total=sum(root.total for root in nodes if root.depth == 0),
        filters=len(chosen.keys() - {"suite", "environment"}),
    )


def rows(cases: Any, environment: Environment | None) -> list[Row]:
    """*cases* with their records in *environment*, in one query more."""
    chosen = list(cases)
    records = CaseRecord.objects.filter(case__in=chosen, environment=environment) if environment else []
    by_case = {record.case_id: record for record in records}
    return [Row(case, by_case.get(case.pk)) for case in chosen]


def _path(nodes: Sequence[Node], node: Node | None) -> list[Node]:
    """The suites from the root to *node*."""
    by_pk = {one.pk: one for one in nodes}
    path: list[Node] = []
    while node is not None:
        path.insert(0, node)
        node = by_pk.get(node.suite.parent_id) if node.suite.parent_id else None
    return path
