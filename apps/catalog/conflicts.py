"""Two people changed the same case: what each of them changed, to be seen before one is overwritten."""

import difflib
from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.catalog.definition import to_yaml
from apps.catalog.models import CaseRevision
from apps.core.errors import Conflict


def yaml_diff(before: Mapping[str, Any], after: Mapping[str, Any], context: int = 3) -> list[str]:
    """Lines of a unified diff of two definitions as YAML, without its header; empty when they are the same."""
    old, new = to_yaml(before).splitlines(), to_yaml(after).splitlines()
    return list(difflib.unified_diff(old, new, lineterm="", n=context))[2:]


class EditConflict(Conflict):
    """The case was saved by somebody else since it was opened.

    ``theirs`` is what they changed and ``yours`` what the refused edit changes, both from the revision that was
    opened, as lines of a unified diff of YAML.
    """

    def __init__(self, opened: CaseRevision, current: CaseRevision, edited: Mapping[str, Any]) -> None:
        author = current.author or _("somebody")
        moment = date_format(localtime(current.created_at), "DATETIME_FORMAT")
        super().__init__(
            "edit-conflict",
            _("%(author)s saved revision %(number)d on %(moment)s, after you opened revision %(opened)d.")
            % {"author": author, "number": current.number, "moment": moment, "opened": opened.number},
        )
        self.current = current
        self.theirs = yaml_diff(opened.definition, current.definition)
        self.yours = yaml_diff(opened.definition, edited)

    def problem(self) -> dict[str, Any]:
        """Problem JSON with both changes and the number of the revision to build on."""
        return super().problem() | {"current": self.current.number, "theirs": self.theirs, "yours": self.yours}
