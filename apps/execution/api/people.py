"""What programs send about manual work: who does it, and verdicts."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from apps.accounts.access import testers_of
from apps.accounts.models import User
from apps.core.states import State
from apps.execution.services import VERDICTS, Asked
from apps.execution.verdicts import AT_ONCE

NOTE = 20_000  # characters
_MOST = 10_000  # executions that are assigned by one request
VERDICT_CHOICES = [(state.value, state.label) for state in VERDICTS]


class TesterField(serializers.SlugRelatedField[User]):
    """A tester of the team by e-mail address; context ``system`` says of which team."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="email", queryset=User.objects.all(), **options)

    def get_queryset(self) -> Any:
        return testers_of(self.context["system"].team_id)


class AskSerializer(serializers.Serializer[Any]):
    """Whom to ask; null asks nobody."""

    user = TesterField(allow_null=True)


class AskChosenSerializer(AskSerializer):
    """Whom to ask for these executions (ids) of the run."""

    executions = serializers.ListField(child=serializers.IntegerField(min_value=1), allow_empty=False, max_length=_MOST)


class SplitSerializer(serializers.Serializer[Any]):
    """Share the open manual work of the run among people: evenly, or a suite to each.

    ``again`` takes it from those who have it already.
    """

    people = serializers.ListField(child=TesterField(), allow_empty=False, max_length=100)
    how = serializers.ChoiceField(choices=["evenly", "suite"], default="evenly")
    again = serializers.BooleanField(default=False)


class ShareSerializer(serializers.Serializer[Any]):
    """How many executions a person was given."""

    user = serializers.EmailField()
    executions = serializers.IntegerField()


class _VerdictSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=VERDICT_CHOICES)
    note = serializers.CharField(max_length=NOTE, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["verdict"] in (State.FAILED, State.BLOCKED) and not attrs["note"].strip():
            raise serializers.ValidationError({"note": _("Say what you saw: the next person reads this.")})
        return attrs


class VerdictSerializer(_VerdictSerializer):
    """A verdict on the manual step for which the execution waits: index from 0, as ``waiting_step`` says.

    With ``attempt`` it is refused when the execution has begun again since.
    """

    step = serializers.IntegerField(min_value=0, max_value=32_767)
    attempt = serializers.IntegerField(required=False, min_value=0, max_value=32_767)
    seconds = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2_147_483_647,
        help_text="How long the person worked on it; without it, how long it has waited is taken.",
    )


class AskedSerializer(serializers.Serializer[Any]):
    """An execution, and the step on which it was seen to wait."""

    id = serializers.IntegerField(min_value=1)
    step = serializers.IntegerField(min_value=0, max_value=32_767)
    attempt = serializers.IntegerField(required=False, min_value=0, max_value=32_767)

    def to_internal_value(self, data: Any) -> Any:
        """As the services take it."""
        values = super().to_internal_value(data)
        return Asked(execution=values["id"], step=values["step"], attempt=values.get("attempt"))


class VerdictsSerializer(_VerdictSerializer):
    """One verdict on several executions of the run: on all of them, or 409 with the reasons and on none."""

    executions = serializers.ListField(child=AskedSerializer(), allow_empty=False, max_length=AT_ONCE)


class JudgedSerializer(serializers.Serializer[Any]):
    """Ids of the executions that the verdict was stored on; those that had it from you already are left out."""

    executions = serializers.ListField(child=serializers.IntegerField())
