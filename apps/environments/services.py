"""Verbs on environments, their variables, secrets and deployments; each owns its transaction and is audited.

``**values`` as in ``apps.systems.services``. Values of secrets are in no audit entry and no error.
"""

import re
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import audit
from apps.core.changes import apply_values
from apps.core.dependants import used_by
from apps.core.errors import Conflict
from apps.core.validation import check, free_slug, refuse, save_valid
from apps.environments.dataset_services import remove_dataset, save_dataset
from apps.environments.mailbox import MailboxLogin, mailbox_login, mailboxes
from apps.environments.models import Deployment, Environment, Secret, Variable
from apps.environments.vault import decrypt, encrypt, reencrypt
from apps.systems.models import Component, ComponentVersion, System
from apps.systems.services import add_version

__all__ = [
    "MailboxLogin",
    "change_log_subject",
    "decrypt",
    "deploy",
    "deploy_named",
    "encrypt",
    "mailbox_login",
    "mailboxes",
    "remove_dataset",
    "remove_environment",
    "remove_secret",
    "remove_variable",
    "rotate_secrets",
    "save_dataset",
    "save_environment",
    "set_secret",
    "set_variable",
    "values_for",
    "versions_deployed",
    "withdraw",
]
LONGEST_VALUE = 20_000  # characters of a variable or secret
_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")  # of an address in a variable


def change_log_subject(environment: Environment) -> str:
    """Subject of the audit entries that make up the environment's change log."""
    return f"{environment.system.slug}/environments/{environment.slug}"


@transaction.atomic
def save_environment(
    system: System,
    *,
    by: User,
    environment: Environment | None = None,
    copy_from: Environment | None = None,
    **values: Any,
) -> Environment:
    """Make or change an environment; *copy_from* gives a new one its variables (secrets are never copied)."""
    made = environment is None
    row = Environment(system=system) if environment is None else _locked(environment)
    if made:
        values["slug"] = values.get("slug") or free_slug(system.environments.all(), values.get("name", ""), limit=40)
        values.setdefault("position", min(system.environments.count(), 32_000))
    changes = apply_values(row, values)
    if made or changes:
        if "queue" in changes and row.queue:
            _keep_within_team(row)
        save_valid(row)
        detail = {} if made else {"changes": changes}
        audit(
            system.team, by, "environment.created" if made else "environment.changed", change_log_subject(row), **detail
        )
    if made and copy_from is not None:
        _copy_variables(copy_from, row, by)
    return row


def _keep_within_team(environment: Environment) -> None:
    """A queue leads into the private network of the team that named it first: no other team may send work there."""
    with connection.cursor() as cursor:  # two teams that name it in the same moment
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"queue:{environment.queue}"])
    others = Environment.objects.exclude(system__team=environment.system.team_id)
    if others.filter(queue=environment.queue).exists():
        raise refuse("queue", _("Workers of this queue belong to another team; choose another name."))


@transaction.atomic
def remove_environment(environment: Environment, *, by: User) -> None:
    """Remove an environment in which nothing was recorded; results are never destroyed this way."""
    _locked(environment)  # no run begins here while we look
    users = used_by(environment)
    if users:
        raise Conflict(
            "environment-in-use",
            _("“%(name)s” cannot be removed: results hang on it: %(names)s.")
            % {"name": environment.name, "names": ", ".join(users)},
        )
    audit(environment.system.team, by, "environment.removed", change_log_subject(environment), name=environment.name)
    environment.delete()


@transaction.atomic
def set_variable(environment: Environment, name: str, value: str, *, by: User, was: str = "") -> Variable:
    """Set a variable; *was* is its old name when it is renamed."""
    _locked(environment)
    name = name.strip()
    _check_free(environment.secrets.filter(name=name).exists(), _("“%(name)s” is a secret here."), name)
    old = environment.variables.filter(name=was or name).first()
    if was and was != name:
        if old is None:
            raise Conflict("variable-gone", _("“%(name)s” is not there any more.") % {"name": was})
        _check_free(environment.variables.filter(name=name).exists(), _("“%(name)s” is there already."), name)
    row = old or Variable(environment=environment)
    changes = apply_values(row, {"name": name, "value": _bounded(value)})
    save_valid(row)
    if changes:
        detail = {"before": None if old is None else _shown(changes.get("value", [row.value])[0])}
        renamed = {"was": was} if was and was != name else {}
        audit(
            environment.system.team,
            by,
            "variable.set",
            change_log_subject(environment),
            name=name,
            value=_shown(row.value),
            **detail,
            **renamed,
        )
    return row


@transaction.atomic
def remove_variable(environment: Environment, name: str, *, by: User) -> None:
    """Remove a variable; no error when it is gone already."""
    removed, _rows = environment.variables.filter(name=name).delete()
    if removed:
        audit(environment.system.team, by, "variable.removed", change_log_subject(environment), name=name)


@transaction.atomic
def set_secret(environment: Environment, name: str, value: str, *, by: User) -> Secret:
    """Set or replace a secret; *value* is stored encrypted and never shown again."""
    _locked(environment)
    name = name.strip()
    _check_free(environment.variables.filter(name=name).exists(), _("“%(name)s” is a variable here."), name)
    if not value:
        raise refuse("value", _("A secret needs a value."))
    row = environment.secrets.filter(name=name).first() or Secret(environment=environment, name=name)
    made = row.pk is None
    row.ciphertext = encrypt(_bounded(value).encode())
    row.changed_by = by
    check(row)
    row.save()
    action = "secret.set" if made else "secret.replaced"
    audit(environment.system.team, by, action, change_log_subject(environment), name=name)
    return row


@transaction.atomic
def remove_secret(environment: Environment, name: str, *, by: User) -> None:
    """Remove a secret; no error when it is gone already."""
    removed, _rows = environment.secrets.filter(name=name).delete()
    if removed:
        audit(environment.system.team, by, "secret.removed", change_log_subject(environment), name=name)


def values_for(environment: Environment) -> tuple[dict[str, str], dict[str, str]]:
    """Variables and decrypted secrets by name, for the engine only; secrets must be masked in what it stores."""
    variables = dict(environment.variables.values_list("name", "value"))
    secrets = {
        name: decrypt(bytes(token)).decode() for name, token in environment.secrets.values_list("name", "ciphertext")
    }
    return variables, secrets


@transaction.atomic
def rotate_secrets() -> int:
    """Encrypt every secret with the newest key, after a key was put before the others; returns how many."""
    count = 0
    for secret in Secret.objects.select_for_update().iterator(chunk_size=200):
        Secret.objects.filter(pk=secret.pk).update(ciphertext=reencrypt(secret.ciphertext))
        count += 1
    return count


@transaction.atomic
def deploy(
    environment: Environment, version: ComponentVersion, *, by: User | None, at: datetime | None = None
) -> Deployment:
    """Note that *version* runs in the environment since *at* (now); the one before ends then.

    Deploying what is deployed already changes nothing. Conflict when *at* lies before the present deployment.
    """
    _locked(environment)
    component = version.component
    if component.system_id != environment.system_id:
        raise refuse("version", _("“%(name)s” belongs to another system.") % {"name": component.name})
    present: Deployment | None = (
        environment.deployments.filter(component=component, until=None).select_related("version").first()
    )
    if present is not None and present.version_id == version.pk:
        return present
    moment = at or timezone.now()
    _end(present, moment)
    row = save_valid(
        Deployment(environment=environment, version=version, component=component, since=moment, deployed_by=by)
    )
    audit(
        environment.system.team,
        by,
        "deployment.made",
        change_log_subject(environment),
        component=component.slug,
        version=version.name,
        before=present.version.name if present else None,
    )
    return row


@transaction.atomic
def deploy_named(
    environment: Environment, component: Component, version: str, *, by: User, at: datetime | None = None
) -> Deployment:
    """``deploy`` by the name of the version, which is added to the component when it is new."""
    return deploy(environment, add_version(component, version, by=by), by=by, at=at)


@transaction.atomic
def withdraw(environment: Environment, component: Component, *, by: User, at: datetime | None = None) -> None:
    """Note that no version of *component* runs here any more; no error when none did."""
    _locked(environment)
    present = environment.deployments.filter(component=component, until=None).select_related("version").first()
    if present is None:
        return
    _end(present, at or timezone.now())
    audit(
        environment.system.team,
        by,
        "deployment.withdrawn",
        change_log_subject(environment),
        component=component.slug,
        before=present.version.name,
    )


def versions_deployed(environment: Environment) -> dict[str, str]:
    """Component slug → name of the version deployed now."""
    rows = environment.deployments.filter(until=None)
    return dict(rows.order_by("component__slug").values_list("component__slug", "version__name"))


def _end(deployment: Deployment | None, moment: datetime) -> None:
    if deployment is None:
        return
    if moment < deployment.since:
        raise refuse("at", _("This is before the present deployment."), "deployment-order")
    deployment.until = moment
    deployment.save(update_fields=["until"])


def _locked(environment: Environment) -> Environment:
    """The row, kept from other changes of its names and versions until the transaction ends."""
    row: Environment = Environment.objects.select_for_update().get(pk=environment.pk)
    return row


def _check_free(taken: bool, text: str, name: str) -> None:
    if taken:
        raise refuse("name", text % {"name": name}, "name-taken")


def _bounded(value: str) -> str:
    if len(value) > LONGEST_VALUE or "\x00" in value:
        raise refuse("value", _("At most %(count)d characters, without NUL.") % {"count": LONGEST_VALUE})
    return value


def _shown(value: str) -> str:
    """A variable's value for the change log, without the password of an address in it."""
    return _PASSWORD.sub(r"\1***@", value)[:200]


def _copy_variables(source: Environment, target: Environment, by: User) -> None:
    if source.system_id != target.system_id:
        raise refuse("copy_from", _("This environment belongs to another system."))
    names = dict(source.variables.values_list("name", "value"))
    Variable.objects.bulk_create(Variable(environment=target, name=name, value=value) for name, value in names.items())
    audit(
        target.system.team, by, "variable.copied", change_log_subject(target), source=source.slug, names=sorted(names)
    )
