"""``script/manage``: Django's command line with the embedded environment.

Uses the servers of a start that runs in this clone; otherwise starts them for the length of the command.
"""

import json
import os
import subprocess
import sys

from integhub.runtime.embedded import servers
from integhub.runtime.layout import EMBEDDED, PYTHON, ROOT
from integhub.runtime.locks import Busy, exclusive
from integhub.runtime.progress import Failure


def main(words: list[str]) -> int:
    """Run ``manage.py`` with *words*; gives its exit code."""
    try:
        try:
            with exclusive(EMBEDDED.lock), servers(EMBEDDED) as running:
                return _run(words, running.environment | running.shop)
        except Busy:
            if not EMBEDDED.running.exists():
                raise Failure("script/server is just starting in this clone; try again in a moment.") from None
            return _run(words, json.loads(EMBEDDED.running.read_text()))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(words: list[str], environment: dict[str, str]) -> int:
    return subprocess.run([PYTHON, ROOT / "manage.py", *words], env=os.environ | environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
