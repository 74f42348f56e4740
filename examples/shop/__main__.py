"""``python -m examples.shop SERVICE`` starts one service; ``… control`` switches versions and faults."""

import importlib
import sys

from examples.shop.addresses import MissingVariableError
from examples.shop.catalogue import SERVICES


def main(arguments: list[str]) -> int:
    """Run the command line and return the exit code."""
    if arguments[:1] == ["control"]:
        from examples.shop import control_command  # a service need not pay for this import

        return control_command.run(arguments[1:])
    if len(arguments) != 1 or arguments[0] not in SERVICES:
        print(f"usage: python -m examples.shop ({'|'.join(SERVICES)}|control …)", file=sys.stderr)
        return 2
    from examples.shop import process

    module = importlib.import_module(f"examples.shop.{arguments[0]}")
    try:
        return process.run(arguments[0], module.serving)
    except MissingVariableError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
