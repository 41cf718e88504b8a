"""Common code of the collectors of these tests: commands that control them, and the output of received records.

Started as: collector_*.py PORT FILE. Commands come line by line on standard input:
  ok                    accepts everything
  fail CODE [HEADER]    replies with this code; HEADER is what the reply says about the next attempt
  refuse ID             refuses requests that contain this event
  partial COUNT         accepts requests, but reports that COUNT records were rejected
  slow SECONDS          waits before each reply
Each record is a line of JSON in FILE, written before the reply, with the headers of its request.
"""

import json
import sys
import threading
import time

from google.protobuf import json_format


class Behaviour:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.fail = None
        self.hint = None
        self.refused = None
        self.partial = 0
        self.pause = 0.0
        self.requests = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in sys.stdin:
            words = line.split()
            with self.lock:
                if words[0] == "ok":
                    self.fail = self.refused = self.hint = None
                    self.partial, self.pause = 0, 0.0
                elif words[0] == "fail":
                    self.fail, self.hint = words[1], words[2] if len(words) > 2 else None
                elif words[0] == "refuse":
                    self.refused = words[1]
                elif words[0] == "partial":
                    self.partial = int(words[1])
                elif words[0] == "slow":
                    self.pause = float(words[1])
            print("done", line.strip(), flush=True)

    def now(self):
        """The code to fail with and its hint, after the delay."""
        with self.lock:
            pause, result = self.pause, (self.fail, self.hint)
            self.requests += 1
            print("request", self.requests, flush=True)
        time.sleep(pause)
        return result

    def refuses(self, request):
        if self.refused is None:
            return False
        text = json_format.MessageToJson(request)
        return self.refused in text

    def keep(self, request, headers):
        lines = []
        for resource in request.resource_logs:
            attributes = values(resource.resource.attributes)
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    lines.append(json.dumps({
                        "resource": attributes, "scope": scope.scope.name, "version": scope.scope.version,
                        "time": record.time_unix_nano, "observed": record.observed_time_unix_nano,
                        "severity": record.severity_number, "severity_text": record.severity_text,
                        "event": record.event_name, "body": record.body.string_value,
                        "attributes": values(record.attributes), "headers": headers,
                    }) + "\n")
        with self.lock, open(self.path, "a", encoding="utf-8") as file:
            file.write("".join(lines))


def values(attributes):
    result = {}
    for pair in attributes:
        kind = pair.value.WhichOneof("value")
        result[pair.key] = getattr(pair.value, kind)
    return result
