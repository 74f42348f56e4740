"""``script/shop``: the switches of the example system that runs in this clone: versions and faults."""

import json
import os
import subprocess
import sys

from integhub.runtime.layout import EMBEDDED, PYTHON, ROOT


def main(words: list[str]) -> int:
    """``python -m examples.shop control`` with *words* and the addresses of the running start; its exit code."""
    if not EMBEDDED.running.exists():
        print("script/server does not run in this clone; the shop's switches need it.", file=sys.stderr)
        return 1
    environment = os.environ | json.loads(EMBEDDED.running.read_text())
    command = [str(PYTHON), "-m", "examples.shop", "control", *(words or ["show"])]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
