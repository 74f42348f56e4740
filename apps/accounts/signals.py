"""News for higher apps; may be sent twice, must do no harm."""

from django.dispatch import Signal

# Somebody can execute for a team no more: left it, or only looks now. Sent within the transaction that makes it true,
# so that what follows from it is not lost with a process that is killed. Arguments: ``team_id: int``, ``user_id: int``.
tester_left = Signal()
