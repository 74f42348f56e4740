"""Who does a manual execution."""

from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import live
from apps.core.errors import Conflict
from apps.core.states import OPEN
from apps.runs.models import Execution


@transaction.atomic
def assign(execution: Execution, *, to: User | None) -> None:
    """Ask *to* to do *execution*; None asks nobody. Conflict when it has ended."""
    if not Execution.objects.filter(pk=execution.pk, state__in=OPEN).update(assigned_to=to):
        raise Conflict("execution-ended", _("This execution has ended already."))
    changed = {"changes": [[execution.pk, execution.state]]}
    transaction.on_commit(partial(live.publish, execution.run.topic, "executions", changed))
