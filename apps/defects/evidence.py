"""Executions as evidence: which were seen, which the fix has not reached yet, what a retest must repeat."""

import json
from collections.abc import Iterable
from typing import Any

from apps.core.states import NOT_PASSED
from apps.defects.models import Defect, Evidence
from apps.runs.models import Execution, TestRun
from apps.systems.models import ComponentVersion

MOST = 100  # failing executions kept with one defect; more of the same prove no more

Shown = tuple[int, str]  # a case and the values of its data row: what can be executed again


def shown_by(case_id: int, row: Any) -> Shown:
    """What two executions have in common that do the same with the same values."""
    return case_id, json.dumps(row, sort_keys=True, default=str)


def failures_of(defect: Defect) -> list[Execution]:
    """Failing executions of the defect, newest first."""
    kept = Execution.objects.filter(evidence__defect=defect, evidence__kind=Evidence.Kind.FAILURE)
    return list(kept.select_related("case", "run__environment").order_by("-pk")[:MOST])


def alike(execution: Execution) -> list[Execution]:
    """*execution*, then the others of its run that failed for the same reason."""
    if execution.failure_group_id is None:
        return [execution]
    others = Execution.objects.filter(
        run=execution.run_id, failure_group=execution.failure_group_id, state__in=NOT_PASSED
    ).exclude(pk=execution.pk)
    return [execution, *others.order_by("position")[: MOST - 1]]


def keep(defect: Defect, executions: Iterable[Execution], kind: str) -> list[Execution]:
    """Store *executions* as evidence, each once; returns those that were not there before."""
    wanted = list(executions)
    known = set(Evidence.objects.filter(defect=defect, execution__in=wanted).values_list("execution", flat=True))
    fresh = [execution for execution in wanted if execution.pk not in known]
    Evidence.objects.bulk_create(
        (Evidence(defect=defect, execution=execution, kind=kind) for execution in fresh), ignore_conflicts=True
    )
    return fresh


def lacks_fix(defect: Defect, run: TestRun) -> bool:
    """Whether *run* met the component without the fix, so that it says nothing about the fix.

    That is so when it ran at a version made before the version of the fix, or at one that showed the defect.
    Where the version is not known, the fix is taken to be there.
    """
    fix = defect.fix_version
    deployed = run.versions.get(fix.component.slug) if fix else None
    if fix is None or deployed is None or deployed == fix.name:
        return False
    known = ComponentVersion.objects.filter(component=fix.component_id, name=deployed).first()
    if known is not None and known.pk < fix.pk:
        return True
    failed_there = {f"execution__run__versions__{fix.component.slug}": deployed}
    return Evidence.objects.filter(defect=defect, kind=Evidence.Kind.FAILURE, **failed_there).exists()
