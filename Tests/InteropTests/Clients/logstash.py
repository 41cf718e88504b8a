"""Runs a pipeline of Logstash: logstash.py PORT FILE PIPELINE.

It replaces Logstash, which cannot run in tests. The file PIPELINE is read with Logstash's own grammar, from
logstash-pipeline-parser of PyPI, and executed here as Logstash's plugins do it. A feature that is not implemented here
(a plugin, an option, a value, a condition) is an error with its name, before anything is received.

Only the port differs: it listens on 127.0.0.1, PORT. Documents of the `elasticsearch` output are kept in memory.

Commands come line by line on standard input:
  show        writes the current state to FILE: {"received": LINES, "documents": {INDEX: {ID: EVENT}}}
  reset       breaks all connections off
"""

import json
import re
import selectors
import socket
import ssl
import struct
import sys
from datetime import datetime, timezone

from logstash_pipeline_parser import Pipeline

LONGEST_LINE = 1 << 20
MOST_CONNECTIONS = 16
HANDSHAKE_SECONDS = 30


class Unsupported(Exception):
    """A feature that this program does not have, by its name."""


class Dropped(Exception):
    """The event reached the filter `drop`."""


# Events: dictionaries, with @timestamp in milliseconds, as Logstash writes it.


def timestamp(moment):
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def decoded(line):
    """The event that codec json_lines makes of a line, and of a partial line at the end of a connection."""
    event = {"@timestamp": timestamp(datetime.now(timezone.utc)), "@version": "1"}
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    if isinstance(content, dict):
        return event | content
    return event | {"message": line.decode("utf-8", "replace"), "tags": ["_jsonparsefailure"]}


def is_field(value):
    """Whether a value is a reference like [event_type], which the parser returns as text."""
    return isinstance(value, str) and re.fullmatch(r"\[[^\[\],]+\]", value) is not None


def value_of(value, event):
    return event.get(value[1:-1]) if is_field(value) else value


def filled_in(text, event):
    """A text with its %{field} and %{+time} replaced."""

    def replacement(match):
        name = match[1]
        if not name.startswith("+"):
            return str(event[name]) if name in event else match[0]
        form = {"+YYYY.MM": "%Y.%m", "+YYYY.MM.dd": "%Y.%m.%d"}.get(name)
        if form is None:
            raise Unsupported(f"the time {name}")
        return datetime.fromisoformat(event["@timestamp"]).strftime(form)

    return re.sub(r"%\{([^}]*)\}", replacement, text)


def add_tags(event, tags):
    event["tags"] = event.get("tags", []) + [tag for tag in tags if tag not in event.get("tags", [])]


# Plugins: each takes its options and returns its effect on an event.


def options_of(plugin, attributes, *known):
    options = {}
    for name, (value,) in attributes:
        if name not in known:
            raise Unsupported(f"the option {plugin}.{name}")
        options[name] = value
    return options


def date(attributes):
    options = options_of("date", attributes, "match", "target")
    field, form = options["match"]
    if form != "ISO8601":
        raise Unsupported(f"the form of date.match {form}")

    def run(event):
        try:
            event[options.get("target", "@timestamp")] = timestamp(datetime.fromisoformat(event[field]))
        except (KeyError, TypeError, ValueError):
            add_tags(event, ["_dateparsefailure"])

    return run


def mutate(attributes):
    options = options_of("mutate", attributes, "add_tag")
    return lambda event: add_tags(event, options["add_tag"])


def drop(attributes):
    options_of("drop", attributes)

    def run(_):
        raise Dropped

    return run


def elasticsearch(documents):
    """An output that identifies a document by its id, in its index: a second one replaces the first."""

    def plugin(attributes):
        options = options_of("elasticsearch", attributes, "index", "document_id")
        for form in options.values():
            filled_in(form, decoded(b"{}"))

        def run(event):
            index, name = filled_in(options["index"], event), filled_in(options["document_id"], event)
            documents.setdefault(index, {})[name] = event

        return run

    return plugin


def condition(expressions):
    if len(expressions) != 1 or len(expressions[0]) != 3 or expressions[0][1] not in ("in", "=="):
        raise Unsupported(f"the condition {expressions}")
    left, operator, right = expressions[0]

    def holds(event):
        one, other = value_of(left, event), value_of(right, event)
        return one in (other or []) if operator == "in" else one == other

    return holds


def branch(test, body):
    def run(event):
        if test(event):
            for action in body:
                action(event)

    return run


def compiled(section, plugins):
    """Applies a section, or a branch of it, to an event."""
    actions = []
    for name, content in section:
        if name == "if":
            *expressions, (body,) = content
            actions.append(branch(condition(expressions), compiled(body, plugins)))
        elif name in plugins:
            actions.append(plugins[name](content))
        else:
            raise Unsupported(f"the plugin {name}")
    return actions


class Instance:
    """A Logstash with one input, some filters and one output."""

    def __init__(self, text):
        self.received = 0
        self.documents = {}
        sections = Pipeline(text).parse()
        if [name for name, _ in sections] != ["input", "filter", "output"]:
            raise Unsupported("sections other than input, filter, output")
        (_, inputs), (_, filters), (_, outputs) = sections
        if [name for name, _ in inputs] != ["tcp"]:
            raise Unsupported(f"the inputs {[name for name, _ in inputs]}")
        self.context = self.tcp(inputs[0][1])
        plugins = {"date": date, "mutate": mutate, "drop": drop}
        self.actions = compiled(filters, plugins)
        self.actions += compiled(outputs, {"elasticsearch": elasticsearch(self.documents)})

    @staticmethod
    def tcp(attributes):
        """The TLS context of the input, or None."""
        options = options_of(
            "tcp", attributes, "port", "codec", "ssl_enabled", "ssl_certificate", "ssl_key",
            "ssl_certificate_authorities", "ssl_client_authentication")
        if not isinstance(options["port"], int) or options.get("codec") != "json_lines":
            raise Unsupported("tcp without a port, or with another codec than json_lines")
        if options.get("ssl_enabled") is not True:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["ssl_certificate"], options["ssl_key"])
        modes = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
        context.verify_mode = modes[options.get("ssl_client_authentication", "required")]
        for file in options.get("ssl_certificate_authorities", []):
            context.load_verify_locations(file)
        return context

    def take(self, line):
        self.received += 1
        event = decoded(line)
        try:
            for action in self.actions:
                action(event)
        except Dropped:
            pass

    def show(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"received": self.received, "documents": self.documents}, file)


class Server:
    def __init__(self, port, instance):
        self.instance = instance
        self.selector = selectors.DefaultSelector()
        # The partial line of each connection.
        self.rest = {}
        self.listener = socket.create_server(("127.0.0.1", port))
        self.selector.register(self.listener, selectors.EVENT_READ)

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(HANDSHAKE_SECONDS)
        try:
            if len(self.rest) == MOST_CONNECTIONS:
                raise OSError("too many connections")
            if self.instance.context:
                connection = self.instance.context.wrap_socket(connection, server_side=True)
        except OSError as error:
            print("refused", error, flush=True)
            connection.close()
            return
        self.rest[connection] = b""
        self.selector.register(connection, selectors.EVENT_READ)

    def read(self, connection):
        try:
            data = connection.recv(65536)
            while isinstance(connection, ssl.SSLSocket) and connection.pending():
                data += connection.recv(65536)
        except OSError:
            data = b""
        *lines, rest = (self.rest[connection] + data).split(b"\n")
        self.rest[connection] = rest
        for line in lines:
            self.instance.take(line)
        if not data or len(rest) > LONGEST_LINE:
            self.end(connection)

    def end(self, connection):
        # The codec is flushed: a partial line becomes an event, too.
        rest = self.rest.pop(connection)
        if rest:
            self.instance.take(rest)
        self.selector.unregister(connection)
        connection.close()

    def reset(self):
        for connection in list(self.rest):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.end(connection)

    def serve(self, path):
        """Serves until the end of standard input."""
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj in self.rest:
                    self.read(key.fileobj)
                elif key.fileobj is sys.stdin:
                    word = sys.stdin.readline().strip()
                    if not word:
                        return
                    if word == "show":
                        self.instance.show(path)
                    elif word == "reset":
                        self.reset()
                    else:
                        raise Unsupported(f"the command {word}")
                    print("done", word, flush=True)


def main():
    with open(sys.argv[3], encoding="utf-8") as file:
        text = file.read()
    try:
        instance = Instance(text)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    Server(int(sys.argv[1]), instance).serve(sys.argv[2])


main()
