"""The command-line tools people use today, each with the same requests as IntegHub and nothing to store."""

import asyncio
import json
import os
import subprocess
import time
import venv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pycurl

CONNECTIONS = 64
LIMIT = 600  # seconds for one tool
SKU = "A-1"


def libcurl(target: str, count: int) -> float:
    """Seconds for *count* requests by libcurl under asyncio, each answer read as JSON: the ceiling."""
    return asyncio.run(_loop(target, count))


async def _loop(target: str, count: int) -> float:
    urls = iter([f"{target}/items/{n}" for n in range(count)])
    began = time.perf_counter()
    async with pycurl.AsyncCurlMulti() as multi:

        async def ask() -> None:
            curl = pycurl.Curl()
            for url in urls:
                parts: list[bytes] = []
                curl.setopt(pycurl.URL, url)
                curl.setopt(pycurl.WRITEFUNCTION, parts.append)
                await multi.perform(curl)
                if json.loads(b"".join(parts))["items"][0]["sku"] != SKU:
                    raise RuntimeError(f"unexpected answer at {url}")
            curl.close()

        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


class Tools:
    """The peers that the package registries have, installed below *folder*; ``seconds`` runs each."""

    def __init__(self, folder: Path, target: str, count: int) -> None:
        self._folder, self._target, self._count = folder, target, count
        self.missing: dict[str, str] = {}

    def seconds(self) -> dict[str, float]:
        """Wall seconds of each tool with its start; those that cannot be had are named in ``missing``."""
        tools: dict[str, Callable[[], list[str]]] = {
            "pytest + requests": self._pytest,
            "Tavern": self._tavern,
            "Newman": self._newman,
            "Step CI": self._stepci,
        }
        spent = {}
        for name, prepare in tools.items():
            with suppress(_Missing):
                spent[name] = self._run(name, prepare)
        return spent

    def _run(self, name: str, prepare: Callable[[], list[str]]) -> float:
        try:
            command = prepare()
            self._call(command)  # once for caches of byte code
            began = time.perf_counter()
            self._call(command)
            return time.perf_counter() - began
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", b"") or getattr(error, "stdout", b"") or b""
            self.missing[name] = said.decode(errors="replace").strip()[-300:] or str(error)
            raise _Missing from error

    def _call(self, command: list[str]) -> None:
        quiet = os.environ | {"STEPCI_DISABLE_ANALYTICS": "1"}  # else it tells the world, and fails where there is none
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=LIMIT, env=quiet)

    def _python(self, name: str, *packages: str) -> str:
        place = self._folder / name
        if not place.exists():
            venv.create(place, with_pip=True)
            self._call([str(place / "bin" / "pip"), "install", "--quiet", *packages])
        return str(place / "bin" / "python")

    def _node(self, package: str, program: str) -> list[str]:
        place = f"node-{package}"  # npm would take a folder called like the package for the package
        (self._folder / place).mkdir(exist_ok=True)
        self._call(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", place, package])
        return [str(self._folder / place / "node_modules" / ".bin" / program)]

    def _write(self, name: str, text: str) -> str:
        (self._folder / name).write_text(text)
        return name

    def _pytest(self) -> list[str]:
        code = (
            "import pytest, requests\n"
            "@pytest.fixture(scope='session')\n"
            "def session():\n"
            "    with requests.Session() as session:\n"
            "        yield session\n"
            f"@pytest.mark.parametrize('n', range({self._count}))\n"
            "def test_item(session, n):\n"
            f"    answer = session.get(f'{self._target}/items/{{n}}')\n"
            "    assert answer.status_code == 200\n"
            f"    assert answer.json()['items'][0]['sku'] == '{SKU}'\n"
        )
        return [
            self._python("requests", "pytest", "requests"),
            "-m",
            "pytest",
            "-q",
            self._write("test_items.py", code),
        ]

    def _tavern(self) -> list[str]:
        documents = [
            {
                "test_name": f"Item {n}",
                "stages": [
                    {
                        "name": "Ask",
                        "request": {"url": f"{self._target}/items/{n}"},
                        "response": {"status_code": 200, "json": {"items": [{"sku": SKU}]}, "strict": False},
                    }
                ],
            }
            for n in range(self._count)
        ]
        name = self._write("test_items.tavern.yaml", "---\n".join(json.dumps(one) + "\n" for one in documents))
        return [self._python("tavern", "tavern", "setuptools<81", "pytest<9"), "-m", "pytest", "-q", name]

    def _newman(self) -> list[str]:
        script = f"pm.test('sku', () => pm.expect(pm.response.json().items[0].sku).to.eql('{SKU}'));"
        items: list[dict[str, Any]] = [
            {
                "name": f"Item {n}",
                "request": {"method": "GET", "url": f"{self._target}/items/{n}"},
                "event": [{"listen": "test", "script": {"exec": [script]}}],
            }
            for n in range(self._count)
        ]
        schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
        text = json.dumps({"info": {"name": "Items", "schema": schema}, "item": items})
        return [*self._node("newman", "newman"), "run", "--silent", self._write("items.json", text)]

    def _stepci(self) -> list[str]:
        check = {"status": 200, "jsonpath": {"$.items[0].sku": SKU}}
        tests = {
            f"item{n}": {
                "steps": [
                    {"name": "Ask", "http": {"url": f"{self._target}/items/{n}", "method": "GET", "check": check}}
                ]
            }
            for n in range(self._count)
        }
        text = json.dumps({"version": "1.1", "name": "Items", "tests": tests})
        return [*self._node("stepci", "stepci"), "run", self._write("items.yml", text)]


class _Missing(Exception):
    """A tool that cannot be had or does not run here."""
