"""A script's claims: each is a function that fails when the claim does not hold, and is run by its name."""

import sys
import traceback

claims = {}


def claim(function):
    claims[function.__name__.replace("_", "-")] = function
    return function


def main():
    try:
        claims[sys.argv[1]]()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
