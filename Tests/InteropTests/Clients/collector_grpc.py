"""An OTLP collector over gRPC, built from the official stubs, as collector.py says; with the arguments CERTIFICATE
KEY CA it uses TLS and requires client certificates."""

import sys
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc

from collector import Behaviour


class Service(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, behaviour):
        self.behaviour = behaviour

    def Export(self, request, context):
        code, hint = self.behaviour.now()
        if code is not None:
            self.abort(context, grpc.StatusCode[code], hint)
        if self.behaviour.refuses(request):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an attribute that I do not like: 50%")
        headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        self.behaviour.keep(request, headers)
        answer = logs_service_pb2.ExportLogsServiceResponse()
        if self.behaviour.partial:
            answer.partial_success.rejected_log_records = self.behaviour.partial
            answer.partial_success.error_message = "too old"
        return answer

    def abort(self, context, code, hint):
        if hint is not None:
            milliseconds = int(hint)
            delay = duration_pb2.Duration(seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1000000)
            detail = any_pb2.Any()
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status = status_pb2.Status(code=code.value[0], message="later", details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "not now")


def main():
    port, path = sys.argv[1], sys.argv[2]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Service(Behaviour(path)), server)
    if len(sys.argv) > 3:
        certificate, key, authority = (open(name, "rb").read() for name in sys.argv[3:6])
        credentials = grpc.ssl_server_credentials([(key, certificate)], authority, True)
        bound = server.add_secure_port("127.0.0.1:" + port, credentials)
    else:
        bound = server.add_insecure_port("127.0.0.1:" + port)
    server.start()
    print("ready", bound, flush=True)
    server.wait_for_termination()


main()
