"""The production shape holds its promises: no default secrets, no root, nothing open but the proxy."""

import http.server
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from apps.execution.queues import SHARED
from integhub.runtime.environment import QUEUES
from integhub.runtime.layout import ROOT

COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = [name for name, service in SERVICES.items() if service["image"].startswith("integhub:")]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE.rpartition("\nFROM ")[2]


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "worker", "beat", "mailbox", "proxy"}
    assert SERVICES["postgres"]["image"] == "postgres:18"


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_the_environment_and_nothing_starts_without_them(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASSWORD|SECRET|KEYS|_URL", variable) and not variable.startswith("INTEGHUB_SMTP"):
            assert ":?" in value, f"{variable} of {name} has a default"


@pytest.mark.parametrize("name", OWN)
def test_debug_and_the_embedded_start_are_off(name: str) -> None:
    assert {"INTEGHUB_DEBUG", "INTEGHUB_EMBEDDED"}.isdisjoint(SERVICES[name]["environment"])
    assert not re.search("INTEGHUB_(DEBUG|EMBEDDED)", LAST_STAGE)


@pytest.mark.parametrize("name", OWN)
def test_every_variable_that_the_settings_require_is_set(name: str) -> None:
    settings = (ROOT / "integhub" / "settings.py").read_text()
    required = set(re.findall(r'required\("(\w+)"\)', settings)) | {"INTEGHUB_FIELD_KEYS", "INTEGHUB_BASE_URL"}
    assert len(required) >= 5
    assert required <= set(SERVICES[name]["environment"])


def test_our_containers_are_not_root_and_cannot_become_it() -> None:
    user = re.findall(r"^USER (\S+)$", LAST_STAGE, re.MULTILINE)
    assert user
    assert user[-1] not in {"0", "root"}
    for name in OWN:
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True
        assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_lasting_container_has_a_health_check(name: str) -> None:
    of_image = name in OWN and "HEALTHCHECK" in LAST_STAGE
    assert of_image or SERVICES[name]["healthcheck"]["test"]


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    reached = {name for name, service in SERVICES.items() if "ports" in service}
    assert reached - {name for name, service in SERVICES.items() if "profiles" in service} == {"proxy"}
    assert reached == {"mailbox", "proxy"}  # the mailbox runs only where somebody asks for it
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["data"]


def test_workers_read_the_queue_that_environments_share() -> None:
    queues = SERVICES["worker"]["command"][SERVICES["worker"]["command"].index("--queues") + 1]
    assert SHARED in re.split("[,}:-]", queues)
    assert SHARED in QUEUES


def test_the_example_environment_names_what_must_be_set() -> None:
    example = (ROOT / "deploy" / "env.example").read_text()
    for variable in set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text())):
        assert f"\n{variable}=\n" in example


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (302, 1)])
def test_the_health_check_asks_under_the_public_name(status: int, code: int) -> None:
    hosts: list[str] = []

    class Web(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(status if self.path == "/health/" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        environment = {"PORT": str(web.server_address[1]), "INTEGHUB_BASE_URL": "https://hub.example"}
        done = subprocess.run([sys.executable, Path(ROOT, "deploy/healthy.py")], env=environment, check=False)
        web.shutdown()
    assert done.returncode == code
    assert hosts == ["hub.example"]
