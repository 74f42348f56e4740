"""News for higher apps, sent after the commit that made it true; may be sent twice, must do no harm."""

from django.dispatch import Signal

# Somebody can execute for a team no more: left it, or only looks now. Arguments: ``team_id: int``, ``user_id: int``.
tester_left = Signal()
