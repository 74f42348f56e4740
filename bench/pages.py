"""Queries, milliseconds and bytes of each page of the demo's system; printed as one JSON line.

Run by the benchmark ``first`` inside a started product, through ``script/manage shell``.
"""

import json
import statistics
import time

REPEATS = 5


def probe() -> None:
    """Print ``{page: [queries, milliseconds, kB]}``; each page is asked for once before it is measured."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from apps.accounts.models import User

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get(email__startswith="lena@"))
    figures = {}
    for name, path in _pages().items():
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        spent = []
        for _ in range(REPEATS):
            with CaptureQueriesContext(connection) as queries:
                began = time.perf_counter()
                answer = client.get(path)
                spent.append((time.perf_counter() - began) * 1000)
        figures[name] = [len(queries), round(statistics.median(spent), 1), round(len(answer.content) / 1000, 1)]
    print(json.dumps(figures))


def _pages() -> dict[str, str]:
    from apps.runs.models import Execution
    from apps.systems.models import System

    system = System.objects.get(slug="shop")
    base = f"/s/{system.slug}"
    run = system.runs.order_by("-total").first()
    failed = Execution.objects.filter(run__system=system, state="failed").order_by("-pk").first()
    case, defect = system.cases.first(), system.defects.first()
    pages = {
        "dashboard": f"{base}/",
        "map": f"{base}/map/",
        "point": f"{base}/points/{system.points.values_list('slug', flat=True)[0]}/",
        "cases": f"{base}/cases/",
        "plans": f"{base}/plans/",
        "runs": f"{base}/runs/",
        "defects": f"{base}/defects/",
        "environments": f"{base}/environments/",
        "datasets": f"{base}/datasets/",
        "performance": f"{base}/performance/",
    }
    if case:
        pages |= {"case": f"{base}/cases/{case.number}/", "editor": f"{base}/cases/{case.number}/edit/"}
    if run:
        pages["run"] = f"{base}/runs/{run.number}/"
    if failed:
        pages["execution"] = f"{base}/executions/{failed.pk}/"
    if defect:
        pages["defect"] = f"{base}/defects/{defect.number}/"
    return pages
