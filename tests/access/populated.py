"""A team's system with at least one row of every model, and how its rows fill the parameters of addresses.

All texts that a person of another team must never see contain MARK; slugs do not, since addresses are echoed.
"""

from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Role, Team, User
from apps.catalog.models import CaseRevision, SharedStep, SharedStepRevision, TestCase, TestPlan, TestSuite
from apps.defects.models import Defect, DefectEvent, Evidence, Mention, Retest, RootCause
from apps.environments.models import DataRow, Dataset, Deployment, Environment, Variable
from apps.environments.services import set_secret
from apps.execution.hooks import token_of
from apps.execution.models import Share, Worker
from apps.runs import histogram
from apps.runs.models import (
    Artifact,
    Attempt,
    CasePointRecord,
    CaseRecord,
    DayCount,
    Execution,
    ExecutionEvent,
    FailureGroup,
    LatencyDay,
    PointRecord,
    StepResult,
    TestRun,
)
from apps.systems.models import Component, ComponentVersion, IntegrationPoint, System, Workflow, WorkflowPoint
from apps.systems.services import next_number

MARK = "kestrel"
SLUG = "one"


class World:
    """Rows of one team, by what addresses call them."""

    def __init__(self, team: Team, people: dict[str, User]) -> None:
        self.team, self.people = team, people
        self.admin, self.tester = people["admin"], people["tester"]
        self.now = timezone.now()
        Team.objects.filter(pk=team.pk).update(name=f"{MARK} team")
        team.refresh_from_db()
        self._accounts()
        self._system()
        self._environment()
        self._catalog()
        self._run()
        self._results()
        self._defect()
        self._workers()

    def _workers(self) -> None:
        Worker.objects.create(
            name=f"{MARK}-host:{self.system.pk}",
            queues=[f"env.{MARK}"],
            version="1.0",
            concurrency=2,
            started_at=self.now,
            seen_at=self.now,
        )
        Share.objects.create(
            environment=self.environment, holder=f"{MARK}:{self.system.pk}", wanted=1, held=1, until=self.now
        )

    def _accounts(self) -> None:
        self.invitation, self.invitation_token = accounts.invite(
            self.team, f"{MARK}@example.test", Role.TESTER, self.admin
        )
        self.api_token, _ = accounts.create_token(self.admin, f"{MARK} token")
        self.member = Membership.objects.get(team=self.team, user=self.tester)

    def _system(self) -> None:
        self.system = System.objects.create(team=self.team, name=f"{MARK} system", slug=SLUG, description=MARK)
        make = {"system": self.system, "description": MARK}
        self.component = Component.objects.create(name=f"{MARK} consumer", slug=SLUG, **make)
        self.provider = Component.objects.create(name=f"{MARK} provider", slug="two", **make)
        self.version = ComponentVersion.objects.create(component=self.component, name=f"1.0-{MARK}", notes=MARK)
        self.point = IntegrationPoint.objects.create(
            consumer=self.component,
            provider=self.provider,
            slug=SLUG,
            protocol="http",
            operation=f"GET /{MARK}",
            **make,
        )
        self.workflow = Workflow.objects.create(system=self.system, name=f"{MARK} workflow", slug=SLUG, entry=MARK)
        WorkflowPoint.objects.create(workflow=self.workflow, point=self.point, position=1)

    def _environment(self) -> None:
        self.environment = Environment.objects.create(
            system=self.system, name=f"{MARK} place", slug=SLUG, queue=f"env.{MARK}"
        )
        Variable.objects.create(environment=self.environment, name="ADDRESS", value=f"http://{MARK}.test")
        self.secret = set_secret(self.environment, "KEY", f"{MARK} secret", by=self.admin)
        Deployment.objects.create(
            environment=self.environment, version=self.version, component=self.component, since=self.now
        )
        self.dataset = Dataset.objects.create(system=self.system, name=f"{MARK} data", slug=SLUG, columns=["sku"])
        DataRow.objects.create(dataset=self.dataset, position=1, label=MARK, values={"sku": MARK})

    def _catalog(self) -> None:
        self.suite = TestSuite.objects.create(system=self.system, name=f"{MARK} suite", description=MARK)
        self.case = TestCase.objects.create(
            system=self.system,
            suite=self.suite,
            number=next_number(self.system.pk, "case"),
            title=f"{MARK} case",
            tags=[MARK],
        )
        self.definition = {
            "title": f"{MARK} case",
            "steps": [{"name": f"{MARK} step", "kind": "manual", "with": {"instructions": MARK, "expected": MARK}}],
        }
        self.revision = CaseRevision.objects.create(case=self.case, number=1, definition=self.definition, message=MARK)
        self.case.current = self.revision
        self.case.save(update_fields=["current"])
        self.case.points.add(self.point)
        self.plan = TestPlan.objects.create(system=self.system, name=f"{MARK} plan", slug=SLUG, everything=True)
        self.plan.suites.add(self.suite)
        self.plan.cases.add(self.case)
        self.shared = SharedStep.objects.create(system=self.system, slug=SLUG, title=f"{MARK} shared step")
        definition = {"title": f"{MARK} shared step", "slug": SLUG, "steps": self.revision.definition["steps"]}
        self.shared.current = SharedStepRevision.objects.create(
            shared_step=self.shared, number=1, definition=definition
        )
        self.shared.save()

    def _new_run(self, state: str, **fields: Any) -> TestRun:
        return TestRun.objects.create(
            system=self.system,
            number=next_number(self.system.pk, "run"),
            title=f"{MARK} run",
            plan=self.plan,
            environment=self.environment,
            started_by=self.tester,
            started_at=self.now,
            total=1,
            **{state: 1},
            **fields,
        )

    def _new_execution(self, run: TestRun, state: str, **fields: Any) -> Execution:
        return Execution.objects.create(
            run=run,
            position=1,
            case=self.case,
            revision=self.revision,
            title=f"{MARK} case",
            state=state,
            attempt=1,
            started_at=self.now,
            message=f"{MARK} message",
            **fields,
        )

    def _run(self) -> None:
        self.group = FailureGroup.objects.create(
            system=self.system,
            signature="0" * 64,
            title=f"{MARK} reason",
            kind="manual",
            point=self.point,
            first_seen=self.now,
            last_seen=self.now,
            count=1,
        )
        ended = {"phase": TestRun.Phase.FINISHED, "finished_at": self.now}
        self.run = self._new_run("failed", verdict="failed", **ended)
        self.execution = self._new_execution(
            self.run, "failed", finished_at=self.now, duration_ms=12, failure_group=self.group
        )
        self.retest_run = self._new_run("passed", verdict="passed", trigger="retest", **ended)
        self._new_execution(self.retest_run, "passed", finished_at=self.now, duration_ms=12)
        self.open_run = self._new_run("waiting", phase=TestRun.Phase.RUNNING)
        self.waiting = self._new_execution(self.open_run, "waiting", assigned_to=self.tester)
        self.attached = self._artifact(self.waiting, None)
        ExecutionEvent.objects.create(
            execution=self.execution, kind="verdict", actor=self.tester, step=f"{MARK} step", state="failed", note=MARK
        )

    def _artifact(self, execution: Execution, step: StepResult | None) -> Artifact:
        content = ContentFile(MARK.encode(), name=f"{MARK}.txt")
        return Artifact.objects.create(
            execution=execution,
            step=step,
            name=f"{MARK}.txt",
            content_type="text/plain",
            size=len(MARK),
            file=content,
        )

    def _results(self) -> None:
        Attempt.objects.create(
            execution=self.execution, number=1, state="failed", message=MARK, finished_at=self.now, duration_ms=12
        )
        self.step = StepResult.objects.create(
            execution=self.execution,
            attempt=1,
            position=0,
            name=f"{MARK} step",
            kind="http",
            point=self.point,
            state="failed",
            message=MARK,
            request={"method": "GET", "url": f"http://{MARK}.test", "headers": {}, "body": MARK},
            response={"status": 500, "headers": {}, "body": MARK, "passes": [{"number": 1, "state": "failed"}]},
        )
        self.artifact = self._artifact(self.execution, self.step)
        record = {
            "environment": self.environment,
            "state": "failed",
            "strip": "PF",
            "last_at": self.now,
            "last_execution": self.execution,
        }
        CaseRecord.objects.create(case=self.case, **record)
        PointRecord.objects.create(point=self.point, **record)
        CasePointRecord.objects.create(
            case=self.case, point=self.point, environment=self.environment, state="failed", last_at=self.now
        )
        DayCount.objects.create(environment=self.environment, day=self.now.date(), passed=1, failed=1)
        LatencyDay.objects.create(
            point=self.point,
            environment=self.environment,
            day=self.now.date(),
            count=1,
            total_ms=12,
            buckets=[1] + [0] * (histogram.SIZE - 1),
        )

    def _defect(self) -> None:
        self.defect = Defect.objects.create(
            system=self.system,
            number=next_number(self.system.pk, "defect"),
            title=f"{MARK} defect",
            description=MARK,
            owner=self.tester,
            reported_by=self.tester,
            failure_group=self.group,
            point=self.point,
            component=self.component,
        )
        RootCause.objects.create(defect=self.defect, category="code", explanation=MARK, set_by=self.tester)
        Evidence.objects.create(defect=self.defect, execution=self.execution, kind="failure")
        Retest.objects.create(defect=self.defect, run=self.retest_run, state="passed", finished_at=self.now)
        event = DefectEvent.objects.create(defect=self.defect, kind="comment", actor=self.tester, text=MARK)
        Mention.objects.create(event=event, user=self.admin)

    def value(self, route: str, before: str, parameter: str) -> Any:
        """What fills *parameter* after the word *before* in *route*; KeyError when nobody has said."""
        if route in {"execution:manual", "execution:attach", "execution:detach"} and before == "executions":
            return self.waiting.pk
        uid = urlsafe_base64_encode(force_bytes(self.admin.pk))
        return {
            ("s", "system"): self.system.slug,
            ("teams", "team"): self.team.slug,
            ("teams", "slug"): self.team.slug,
            ("members", "member"): self.member.pk,
            ("invitations", "invitation"): self.invitation.pk,
            ("invitations", "token"): self.invitation_token,
            ("hooks", "token"): token_of("0" * 32),
            ("hooks", "rest"): "paid/again",
            ("tokens", "token"): self.api_token.pk,
            ("tokens", "pk"): self.api_token.pk,
            ("password-reset", "uidb64"): uid,
            ("password-reset", "token"): default_token_generator.make_token(self.admin),
            ("systems", "slug"): self.system.slug,
            ("components", "slug"): self.component.slug,
            ("components", "pk"): self.component.pk,
            ("points", "slug"): self.point.slug,
            ("points", "point"): self.point.slug,
            ("points", "pk"): self.point.pk,
            ("workflows", "slug"): self.workflow.slug,
            ("workflows", "pk"): self.workflow.pk,
            ("environments", "slug"): self.environment.slug,
            ("environments", "pk"): self.environment.pk,
            ("variables", "pk"): self.environment.variables.get().pk,
            ("secrets", "pk"): self.secret.pk,
            ("deployments", "pk"): self.environment.deployments.get().pk,
            ("datasets", "slug"): self.dataset.slug,
            ("datasets", "pk"): self.dataset.pk,
            ("suites", "pk"): self.suite.pk,
            ("cases", "number"): self.case.number,
            ("cases", "pk"): self.case.pk,
            ("revisions", "revision"): self.revision.number,
            ("plans", "slug"): self.plan.slug,
            ("shared-steps", "shared"): self.shared.slug,
            ("shared-steps", "pk"): self.shared.pk,
            ("plans", "pk"): self.plan.pk,
            ("runs", "number"): self.run.number,
            ("runs", "pk"): self.run.pk,
            ("executions", "pk"): self.execution.pk,
            ("steps", "step_pk"): self.step.pk,
            ("passes", "number"): 1,
            ("steps", "side"): "response",
            ("steps", "name"): "body",
            ("artifacts", "pk"): self.artifact.pk,
            ("files", "artifact"): self.attached.pk,
            ("try-step", "ticket"): "a-ticket-of-nobody",
            ("defects", "number"): self.defect.number,
            ("defects", "pk"): self.defect.pk,
            ("dashboard", "slug"): self.system.slug,
        }[before, parameter]
