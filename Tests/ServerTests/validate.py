"""Which documents of standard input a JSON Schema accepts: validate.py SCHEMA < JSON list of YAML texts > JSON list.

Each answer is null for a document that is accepted, and else what is wrong with it. The schema itself is checked first.
"""

import json
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2, core schema: `no` is text, and `022` a number in decimal."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
validator = jsonschema.Draft202012Validator(schema)
validator.check_schema(schema)
answers = []
for text in json.load(sys.stdin):
    error = jsonschema.exceptions.best_match(validator.iter_errors(yaml.load(text, Loader)))
    answers.append(error and f"{error.json_path}: {error.message}"[:300])
json.dump(answers, sys.stdout)
