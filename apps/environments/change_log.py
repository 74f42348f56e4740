"""The change log of an environment, in words, from the audit log."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import AuditEntry
from apps.environments.models import Environment
from apps.environments.services import change_log_subject

ICONS = {"variable": "variable", "secret": "lock", "deployment": "package", "environment": "server"}


@dataclass(frozen=True)
class Change:
    """One line: who did what, when; *before* and *after* when values are known and not secret."""

    entry: AuditEntry
    icon: str
    text: str
    before: str = ""
    after: str = ""


def entries_of(environment: Environment) -> QuerySet[AuditEntry]:
    """Audit entries of the environment, newest first."""
    rows = AuditEntry.objects.filter(team=environment.system.team_id, subject=change_log_subject(environment))
    return rows.select_related("actor")


def describe(entry: AuditEntry) -> Change:
    """*entry* as a line of the change log."""
    detail: dict[str, Any] = entry.detail
    name, component = str(detail.get("name", "")), str(detail.get("component", ""))
    texts = {
        "environment.created": _("made the environment"),
        "environment.changed": _("changed %(fields)s") % {"fields": ", ".join(detail.get("changes", {}))},
        "variable.set": _("set %(name)s:") % {"name": name},
        "variable.removed": _("removed the variable %(name)s") % {"name": name},
        "variable.copied": _("copied the variables of %(source)s") % {"source": detail.get("source", "")},
        "secret.set": _("set the secret %(name)s") % {"name": name},
        "secret.replaced": _("replaced the secret %(name)s") % {"name": name},
        "secret.removed": _("removed the secret %(name)s") % {"name": name},
        "deployment.made": _("deployed %(component)s:") % {"component": component},
        "deployment.withdrawn": _("withdrew %(component)s") % {"component": component},
    }
    after = detail.get("version") or detail.get("value") or ""
    return Change(
        entry,
        ICONS.get(entry.action.split(".")[0], "point"),
        texts.get(entry.action, entry.action),
        str(detail.get("before") or ""),
        str(after),
    )
