"""Answers a query of Loki: loki.py QUERY PUSH TIME.

It replaces Loki, which cannot run in tests. The file QUERY is read by Loki's own parser, which logql-to-logsql of PyPI
contains as a library; that translates the query to LogsQL, a plain sequence of stages, and those are executed here, as
Loki does it. A stage that is not implemented here is an error with its words.

PUSH is a file with a body of Loki's push API: {"streams": [{"stream": LABELS, "values": [[TIME, LINE, METADATA], …]}]};
METADATA may be missing. The result for TIME, in nanoseconds like all times here, is printed in the format of Loki's API.
"""

import json
import re
import sys
from collections import Counter

from logql_to_logsql import translate

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
QUOTED = r'"(?:[^"\\]|\\.)*"'
WORD = r"[\w.-]+"


class Unsupported(Exception):
    """A feature that this program does not have, in its own words."""


def text(word):
    return json.loads(word) if word.startswith('"') else word


def members(line):
    """The names and values of a JSON object, up to the first syntax error: then an error."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    rest = line.lstrip()
    start = "{"
    while not (start == "," and rest.startswith("}")):
        if not rest.startswith(start):
            raise ValueError("no object")
        rest = rest[1:].lstrip()
        name, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        if not isinstance(name, str) or not rest.startswith(":"):
            raise ValueError("no name")
        rest = rest[1:].lstrip()
        value, end = decoder.raw_decode(rest)
        rest, start = rest[end:].lstrip(), ","
        yield name, value


# Stages: the effect of each on an entry, {"line": …, "labels": …}; false: the entry is dropped.


def json_stage(entry):
    """Loki's `json`: every member becomes a label, except null and lists."""
    labels = entry["labels"]
    own = set(labels)
    try:
        for name, value in members(entry["line"]):
            if isinstance(value, dict):
                raise Unsupported(f"the nested member {name}")
            if isinstance(value, bool):
                value = "true" if value else "false"
            if isinstance(value, str):
                labels[name + "_extracted" if name in own else name] = value
    except ValueError:
        labels["__error__"] = "JSONParserErr"
    return True


def label_is(name, value):
    return lambda entry: entry["labels"].get(name, "") == value


def line_has(part):
    return lambda entry: part in entry["line"]


class Query:
    """`sum by (LABELS) (count_over_time({LABEL="VALUE"} STAGES [RANGE]))`."""

    def __init__(self, source):
        self.stages = []
        self.groups = None
        rest = self.read_selector(translate.translate_logql_to_logsql(source).logsql)
        while rest:
            rest = self.read_stage(rest)
        if self.groups is None:
            raise Unsupported("a query that counts nothing")

    def read_selector(self, words):
        match = re.match(rf"\{{({WORD}={QUOTED}(?:,{WORD}={QUOTED})*)\}} _time:(\d+)([smhd])", words)
        if not match:
            raise Unsupported(words)
        self.selector = {name: text(value) for name, value in re.findall(rf"({WORD})=({QUOTED})", match[1])}
        self.range = int(match[2]) * SECONDS[match[3]] * 10**9
        return words[match.end():]

    def read_stage(self, words):
        """Reads the first stage, and returns the words after it. The counting stage must be the last."""
        if match := re.match(rf" ({QUOTED})(?= |$)", words):
            self.stages.append(line_has(text(match[1])))
        elif match := re.match(r" \| unpack_json(?= \||$)", words):
            self.stages.append(json_stage)
        elif match := re.match(rf"(?: \| filter)? ({WORD}):=({QUOTED}|{WORD})(?= |$)", words):
            self.stages.append(label_is(match[1], text(match[2])))
        elif match := re.fullmatch(rf" \| stats by \(({WORD}(?:, {WORD})*)\) count\(\) as value", words):
            self.groups = match[1].split(", ")
        else:
            raise Unsupported(words)
        return words[match.end():]

    def answer(self, push, time):
        counts = Counter()
        for stream in push["streams"]:
            if any(stream["stream"].get(name) != value for name, value in self.selector.items()):
                continue
            for moment, line, *metadata in stream["values"]:
                entry = {"line": line, "labels": stream["stream"] | (metadata[0] if metadata else {})}
                if not time - self.range < int(moment) <= time or not all(stage(entry) for stage in self.stages):
                    continue
                # Loki refuses to count entries for which a stage failed.
                if "__error__" in entry["labels"]:
                    raise ValueError(f"pipeline error: {entry['labels']['__error__']}")
                counts[tuple((name, entry["labels"].get(name, "")) for name in self.groups)] += 1
        result = [{"metric": dict(key), "value": [time / 1e9, str(count)]} for key, count in sorted(counts.items())]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}


def main():
    with open(sys.argv[1], encoding="utf-8") as query, open(sys.argv[2], encoding="utf-8") as push:
        source, body = query.read(), json.load(push)
    try:
        print(json.dumps(Query(source).answer(body, int(sys.argv[3]))))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")


main()
