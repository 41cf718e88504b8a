"""An OTLP collector over HTTP, in both formats, as collector.py says; a third argument is the path before /v1/logs."""

import gzip
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from collector import Behaviour


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behaviour = None
    place = "/v1/logs"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code, hint = self.behaviour.now()
        if code is not None:
            return self.answer(int(code), b"not now", "text/plain", hint)
        if self.path != self.place:
            return self.answer(404, b"no such path: " + self.path.encode(), "text/plain")
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = logs_service_pb2.ExportLogsServiceRequest()
        kind = self.headers["Content-Type"]
        if kind == "application/json":
            # Strict: a field that the schema does not have, or a value of another type, is an error.
            json_format.Parse(body, request)
        else:
            request.ParseFromString(body)
        if self.behaviour.refuses(request):
            return self.answer(400, b"an attribute that I do not like", "text/plain")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.behaviour.keep(request, headers)
        answer = logs_service_pb2.ExportLogsServiceResponse()
        if self.behaviour.partial:
            answer.partial_success.rejected_log_records = self.behaviour.partial
            answer.partial_success.error_message = "too \"old\""
        if kind == "application/json":
            content = json_format.MessageToJson(answer).encode()
        else:
            content = answer.SerializeToString()
        return self.answer(200, content, kind)

    def answer(self, code, content, kind, hint=None):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if hint is not None:
            self.send_header("Retry-After", hint)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def main():
    Handler.behaviour = Behaviour(sys.argv[2])
    Handler.place = "".join(sys.argv[3:]) + Handler.place
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print("ready", server.server_address[1], flush=True)
    server.serve_forever()


main()
