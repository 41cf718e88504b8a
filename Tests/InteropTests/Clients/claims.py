"""A script's claims: each is a function that fails when the claim does not hold, and is run by its name."""

import sys
import traceback

claims = {}


def claim(function):
    claims[function.__name__.replace("_", "-")] = function
    return function


def main():
    """Runs the claims that are named, each whatever became of those before it."""
    failed = False
    for name in sys.argv[1:]:
        try:
            claims[name]()
        except Exception:
            print(f"{name} does not hold:", file=sys.stderr)
            traceback.print_exc()
            failed = True
    sys.exit(1 if failed else 0)
