"""News for higher apps, sent after the commit that made it true; may be sent twice, must do no harm."""

from django.dispatch import Signal

# A run has ended. Arguments: ``run_id: int``.
run_finished = Signal()

# Executions of any runs failed and are queued for another attempt. Arguments: ``execution_ids: list[int]``.
executions_requeued = Signal()

# Executions of one run failed or were blocked. Arguments: ``run_id: int``, ``execution_ids: list[int]``.
executions_failed = Signal()
