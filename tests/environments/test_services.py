"""Variables, secrets and deployments: what is stored, what is refused, and that secrets stay secret."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.catalog.definition import BUILT_IN_NAMES, FUNCTION_NAMES
from apps.core.errors import DomainError
from apps.environments import services
from apps.environments.models import RESERVED_NAMES, Environment, Secret
from apps.runs.models import TestRun
from apps.systems.models import Component, IntegrationPoint, System
from apps.systems.services import add_version

PLAIN = "hunter2-s3cr3t"


def audit_text() -> str:
    return " ".join(f"{entry.action} {entry.subject} {entry.detail}" for entry in AuditEntry.objects.all())


def test_the_engine_gets_variables_and_plain_secrets(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "SHOP", "http://127.0.0.1:1", by=lead)
    services.set_secret(environment, "API_KEY", PLAIN, by=lead)

    assert services.values_for(environment) == ({"SHOP": "http://127.0.0.1:1"}, {"API_KEY": PLAIN})


def test_a_secret_is_nowhere_in_its_row_nor_in_the_audit_log(environment: Environment, lead: User) -> None:
    services.set_secret(environment, "API_KEY", PLAIN, by=lead)
    services.set_secret(environment, "API_KEY", PLAIN + "-2", by=lead)

    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(ciphertext, 'escape'), environments_secret::text FROM environments_secret")
        stored = str(cursor.fetchall())
    assert PLAIN not in stored and "gAAAA" in stored
    assert PLAIN not in audit_text()
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["secret.replaced", "secret.set"]


def test_a_refused_secret_is_not_repeated_in_the_error(environment: Environment, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.set_secret(environment, "no name", PLAIN, by=lead)

    assert PLAIN not in str(error.value.problem())


def test_a_variable_and_a_secret_do_not_share_a_name(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "TOKEN", "x", by=lead)
    with pytest.raises(DomainError, match="is a variable"):
        services.set_secret(environment, "TOKEN", PLAIN, by=lead)

    services.set_secret(environment, "KEY", PLAIN, by=lead)
    with pytest.raises(DomainError, match="is a secret"):
        services.set_variable(environment, "KEY", "x", by=lead)


@pytest.mark.parametrize("name", ["", "1ST", "with space", "a-b", "x.y", "uuid", "run_id", "n" * 61, "naïve"])
def test_a_name_must_be_one_that_templates_can_use(environment: Environment, lead: User, name: str) -> None:
    for verb in (services.set_variable, services.set_secret):
        with pytest.raises(DomainError) as error:
            verb(environment, name, "x", by=lead)
        assert [item["field"] for item in error.value.errors] == ["name"]


def test_reserved_names_are_those_of_the_case_format() -> None:
    assert BUILT_IN_NAMES | FUNCTION_NAMES <= RESERVED_NAMES


def test_a_secret_needs_a_value(environment: Environment, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.set_secret(environment, "KEY", "", by=lead)

    assert [item["field"] for item in error.value.errors] == ["value"]


def test_keys_rotate_and_the_old_one_can_go(environment: Environment, lead: User, settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    services.set_secret(environment, "KEY", PLAIN, by=lead)

    settings.FIELD_KEYS = [new, old]
    assert services.values_for(environment)[1] == {"KEY": PLAIN}
    call_command("rotate_secrets", verbosity=0)
    settings.FIELD_KEYS = [new]

    assert services.values_for(environment)[1] == {"KEY": PLAIN}


def test_a_secret_of_a_lost_key_is_an_error_that_says_what_to_do(
    environment: Environment, lead: User, settings: Any
) -> None:
    services.set_secret(environment, "KEY", PLAIN, by=lead)
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(DomainError, match="INTEGHUB_FIELD_KEYS"):
        services.values_for(environment)


def test_a_variable_is_renamed_and_its_change_is_written_down(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "SHOP", "a", by=lead)
    services.set_variable(environment, "SHOP", "b", by=lead)
    services.set_variable(environment, "SHOP_URL", "b", was="SHOP", by=lead)

    assert services.values_for(environment)[0] == {"SHOP_URL": "b"}
    entries = list(AuditEntry.objects.filter(subject="shop/environments/local"))
    assert entries[1].detail == {"name": "SHOP", "value": "b", "before": "a"}
    assert entries[0].detail["was"] == "SHOP"


def test_a_rename_does_not_overwrite_another_variable(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "A", "1", by=lead)
    services.set_variable(environment, "B", "2", by=lead)

    with pytest.raises(DomainError, match="there already"):
        services.set_variable(environment, "B", "1", was="A", by=lead)

    assert services.values_for(environment)[0] == {"A": "1", "B": "2"}


def test_the_password_of_an_address_is_not_in_the_change_log(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "DB", f"postgresql://app:{PLAIN}@db/orders", by=lead)
    services.set_variable(environment, "DB", "postgresql://db/orders", by=lead)

    assert PLAIN not in audit_text()
    assert "postgresql://app:***@db/orders" in audit_text()


def test_a_new_environment_takes_variables_of_another_but_no_secrets(environment: Environment, lead: User) -> None:
    services.set_variable(environment, "SHOP", "a", by=lead)
    services.set_secret(environment, "KEY", PLAIN, by=lead)

    staging = services.save_environment(environment.system, name="Staging", copy_from=environment, by=lead)

    assert services.values_for(staging) == ({"SHOP": "a"}, {})


@pytest.mark.parametrize("queue", ["celery", "env.", "env.UPPER", "env.a b"])
def test_a_queue_is_one_of_environments(system: System, lead: User, queue: str) -> None:
    with pytest.raises(DomainError) as error:
        services.save_environment(system, name="X", queue=queue, by=lead)

    assert [item["field"] for item in error.value.errors] == ["queue"]


def test_an_environment_with_results_is_not_removed(environment: Environment, lead: User) -> None:
    run = TestRun.objects.create(system=environment.system, number=1, title="x", environment=environment)

    with pytest.raises(DomainError, match="test runs"):
        services.remove_environment(environment, by=lead)

    run.delete()
    services.remove_environment(environment, by=lead)
    assert not Environment.objects.filter(slug="local").exists()


@pytest.fixture
def orders(point: IntegrationPoint) -> Component:
    return point.provider


def test_a_deployment_ends_the_one_before(environment: Environment, orders: Component, lead: User) -> None:
    first, second = (add_version(orders, name, by=lead) for name in ("1.0", "1.1"))
    moment = timezone.now() - timedelta(hours=1)

    services.deploy(environment, first, by=lead, at=moment)
    services.deploy(environment, second, by=lead)

    assert services.versions_deployed(environment) == {"orders": "1.1"}
    newest, oldest = environment.deployments.all()
    assert oldest.until == newest.since and oldest.since == moment and newest.until is None


def test_deploying_what_is_deployed_changes_nothing(environment: Environment, orders: Component, lead: User) -> None:
    version = add_version(orders, "1.0", by=lead)

    assert services.deploy(environment, version, by=lead) == services.deploy(environment, version, by=lead)
    assert environment.deployments.count() == 1


def test_history_is_not_rewritten(environment: Environment, orders: Component, lead: User) -> None:
    services.deploy(environment, add_version(orders, "1.0", by=lead), by=lead)

    with pytest.raises(DomainError) as error:
        yesterday = timezone.now() - timedelta(days=1)
        services.deploy(environment, add_version(orders, "1.1", by=lead), by=lead, at=yesterday)

    assert [item["field"] for item in error.value.errors] == ["at"]
    assert services.versions_deployed(environment) == {"orders": "1.0"}


def test_a_version_of_another_system_is_not_deployed(environment: Environment, outsider: User, lead: User) -> None:
    other = Component.objects.create(system=System.objects.get(slug="other"), name="Foreign", slug="foreign")

    with pytest.raises(DomainError, match="another system"):
        services.deploy(environment, add_version(other, "1.0", by=outsider), by=lead)


def test_what_is_withdrawn_is_not_deployed_any_more(environment: Environment, orders: Component, lead: User) -> None:
    services.deploy(environment, add_version(orders, "1.0", by=lead), by=lead)

    services.withdraw(environment, orders, by=lead)
    services.withdraw(environment, orders, by=lead)

    assert services.versions_deployed(environment) == {}
    assert AuditEntry.objects.filter(action="deployment.withdrawn").count() == 1


def test_a_removed_secret_is_gone(environment: Environment, lead: User) -> None:
    services.set_secret(environment, "KEY", PLAIN, by=lead)

    services.remove_secret(environment, "KEY", by=lead)
    services.remove_secret(environment, "KEY", by=lead)

    assert not Secret.objects.exists()
    assert AuditEntry.objects.filter(action="secret.removed").count() == 1


def test_a_queue_into_the_network_of_another_team_cannot_be_named(
    system: System, environment: Environment, lead: User, outsider: User
) -> None:
    services.save_environment(system, environment=environment, queue="env.vault", by=lead)
    other = System.objects.get(slug="other")
    theirs = Environment.objects.create(system=other, name="Local", slug="local")

    for values in ({"name": "New"}, {"environment": theirs}):
        with pytest.raises(DomainError) as error:
            services.save_environment(other, queue="env.vault", by=outsider, **values)
        assert [item["field"] for item in error.value.errors] == ["queue"]

    services.save_environment(system, name="Second", queue="env.vault", by=lead)
    assert list(Environment.objects.filter(queue="env.vault").values_list("name", flat=True)) == ["Local", "Second"]


def test_a_description_that_outweighs_its_page_is_refused(system: System, lead: User) -> None:
    with pytest.raises(DomainError) as error:
        services.save_environment(system, name="Long", description="x" * 20_001, by=lead)

    assert [item["field"] for item in error.value.errors] == ["description"]
