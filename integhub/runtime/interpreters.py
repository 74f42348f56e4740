"""Which Python the virtualenv is made of. Standard library only.

Builds of one version differ: version managers often compile without profile-guided optimisation, distributions with it,
and the same code then takes up to half as long again.
"""

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 5
CLEARLY = 1.1  # so many times as quick, or the one that was asked for stays
USUAL_FOLDERS = ("/usr/bin", "/usr/local/bin")

# Calls, attributes, texts and containers, as most of the product's time goes; some 20 ms. Prints seconds of CPU.
PROBE = """
import ensurepip, time, venv
class Box:
    def __init__(self, value): self.value, self.kept = value, {}
    def keep(self, key):
        self.kept[key] = self.value
        return len(self.kept)
def work():
    total = 0
    for number in range(15_000):
        box = Box(number)
        total += box.keep("key") + len("%s-%d" % ("item", number))
        total += sum(item is not None for item in {**box.kept, "more": [number]}.values())
started = time.process_time()
work()
print(time.process_time() - started)
"""


def quickest() -> str:
    """Path of this Python, or of another build of its version on this machine that is clearly quicker."""
    others = [] if os.environ.get("INTEGHUB_PYTHON") else list(_others())
    if not others:
        return sys.executable
    best = {build: _seconds(build) for build in (sys.executable, *others)}
    for _ in range(ROUNDS):  # in turn, so that all of them meet the same disturbances
        best = {build: min(seconds, _seconds(build)) for build, seconds in best.items() if seconds < math.inf}
    if not best:
        return sys.executable
    winner = min(best, key=best.__getitem__)
    return winner if best[winner] * CLEARLY < best.get(sys.executable, math.inf) else sys.executable


def _others() -> Iterator[str]:
    """Other builds of this version, each once, however many names it has."""
    known = {os.path.realpath(sys.executable)}
    folders = dict.fromkeys([*os.environ.get("PATH", "").split(os.pathsep), *USUAL_FOLDERS])
    for folder in filter(None, folders):
        path = Path(folder, f"python{sys.version_info.major}.{sys.version_info.minor}")
        real = os.path.realpath(path)
        # Names that a version manager puts before its builds are scripts, and slow to start: not what they stand for.
        if real not in known and os.access(real, os.X_OK) and not _is_script(real):
            known.add(real)
            yield str(path)


def _is_script(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:  # a folder, or a program that may be run but not read: running it will tell
        return False


def _seconds(build: str) -> float:
    """CPU time of the probe; endless for a build that cannot run it, or cannot make virtualenvs."""
    try:
        done = subprocess.run([build, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=True)
        return float(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return math.inf
