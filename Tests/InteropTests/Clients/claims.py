"""The claims of a script: each is a function that fails if the claim does not hold, and is run by its name."""

import sys
import traceback

claims = {}


def claim(function):
    claims[function.__name__.replace("_", "-")] = function
    return function


def main():
    """Runs the named claims, each regardless of the results of the others."""
    failed = False
    for name in sys.argv[1:]:
        try:
            claims[name]()
        except Exception:
            print(f"{name} does not hold:", file=sys.stderr)
            traceback.print_exc()
            failed = True
    sys.exit(1 if failed else 0)
