import Audit
import Testing
import Wire

@testable import Export

private func answer(_ status: Int, _ headers: [String] = [], body: [UInt8] = []) -> OTLPResponse {
  var answer = OTLPResponse()
  answer.status = status
  answer.add(headerLine: "HTTP/1.1 100 Continue\r\n")
  answer.add(headerLine: "grpc-status: 9\r\n")
  answer.add(headerLine: "HTTP/2 \(status)\r\n")
  for header in headers { answer.add(headerLine: header + "\r\n") }
  answer.body = body
  return answer
}

@Suite struct OTLPResponseTests {
  /// https://opentelemetry.io/docs/specs/otlp, section Failures: gRPC status codes that permit a retry.
  @Test(arguments: 0...20 as ClosedRange<UInt8>)
  func `every gRPC status code has the meaning in the specification`(code: UInt8) {
    let outcome = answer(200, ["grpc-status: \(code)", "grpc-message: not%20now%21"], body: [0, 0, 0, 0, 0])
      .grpcOutcome()
    switch (code, outcome) {
    case (0, .taken(0, "")): break
    case (1, .failed(_, nil, false)), (4, .failed(_, nil, false)), (10, .failed(_, nil, false)),
      (11, .failed(_, nil, false)), (14, .failed(_, nil, false)), (15, .failed(_, nil, false)):
      break
    case (3, .refused("INVALID_ARGUMENT: not now!", false)), (8, .refused("RESOURCE_EXHAUSTED: not now!", true)): break
    case (2, .failed(_, nil, true)), (5...7, .failed(_, nil, true)), (9, .failed(_, nil, true)),
      (12...13, .failed(_, nil, true)), (16..., .failed(_, nil, true)):
      break
    default: Issue.record("\(code): \(outcome)")
    }
  }

  @Test func `of a delay repeated ten thousand times the last one applies`() {
    var duration = ProtobufWriter()
    for _ in 0..<10_000 { duration.integer(1, 1 << 62) }
    duration.integer(1, 3)
    var info = ProtobufWriter()
    info.message(1, duration)
    var any = ProtobufWriter()
    any.string(1, "type.googleapis.com/google.rpc.RetryInfo")
    any.message(2, info)
    var status = ProtobufWriter()
    status.string(2, "later")
    status.message(3, any)
    #expect(RPCStatus(protobuf: status.bytes[...])?.retryDelay == 3000)
    let outcome = answer(503, ["content-type: application/x-protobuf"], body: status.bytes)
      .httpOutcome(isJSON: false, now: 0)
    guard case .failed("HTTP 503: later", nil, false) = outcome else { return #expect(Bool(false), "\(outcome)") }
  }

  @Test func `the delay in a gRPC response is read`() {
    var duration = ProtobufWriter()
    duration.integer(1, 2)
    duration.integer(2, 500_000_000)
    var info = ProtobufWriter()
    info.message(1, duration)
    var any = ProtobufWriter()
    any.string(1, "type.googleapis.com/google.rpc.RetryInfo")
    any.message(2, info)
    var status = ProtobufWriter()
    status.integer(1, 14)
    status.string(2, "later")
    status.message(3, any)
    for padding in [true, false] {
      var text = String(decoding: Base64.encode(status.bytes), as: UTF8.self)
      while !padding && text.hasSuffix("=") { text.removeLast() }
      for code in [8, 14] {
        let outcome = answer(200, ["Grpc-Status: \(code)", "grpc-status-details-bin: \(text)"]).grpcOutcome()
        guard case .failed(_, 2500, false) = outcome else {
          Issue.record("\(outcome)")
          continue
        }
      }
    }
  }

  @Test func `a response that is not gRPC is retried, soon if its status is temporary`() {
    #expect(answer(503).grpcOutcome() == .failed(reason: "HTTP 503 without grpc-status", wanted: nil, isLasting: false))
    #expect(answer(404).grpcOutcome() == .failed(reason: "HTTP 404 without grpc-status", wanted: nil, isLasting: true))
    #expect(
      answer(200, ["grpc-status: 0"], body: [1, 0, 0, 0, 0]).grpcOutcome()
        == .failed(reason: "the reply is not a gRPC message", wanted: nil, isLasting: false))
    #expect(answer(200).grpcOutcome() == .failed(reason: "no grpc-status in the answer", wanted: nil, isLasting: false))
  }

  @Test(arguments: [200, 202, 301, 400, 401, 403, 404, 413, 422, 429, 500, 501, 502, 503, 504])
  func `every HTTP status code has the meaning in the specification`(status: Int) {
    let outcome = answer(status).httpOutcome(isJSON: false, now: 0)
    switch (status, outcome) {
    case (200...202, .taken(0, "")): break
    case (429, .failed(_, nil, false)), (502...504, .failed(_, nil, false)): break
    case (400, .refused(_, false)), (422, .refused(_, false)), (413, .refused(_, true)): break
    case (301, .failed(_, nil, true)), (401...404, .failed(_, nil, true)), (500...501, .failed(_, nil, true)): break
    default: Issue.record("\(status): \(outcome)")
    }
  }

  @Test(
    arguments: [
      ("7", 7000), ("0", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 37_000), ("Sun, 06 Nov 1994 08:48:00 GMT", 0),
      ("Tue, 29 Feb 2000 00:00:00 GMT", 167_670_660_000), ("soon", nil), ("-1", nil), ("Sun, 06 Nov 1994", nil),
      ("99999999999", nil),
    ] as [(String, Int64?)])
  func `Retry-After is seconds or a date`(text: String, wanted: Int64?) {
    let outcome = answer(503, ["retry-after:\t\(text) "]).httpOutcome(isJSON: false, now: 784_111_740)
    guard case .failed(_, wanted, false) = outcome else {
      Issue.record("\(outcome)")
      return
    }
  }

  @Test func `rejected records are counted in both encodings`() {
    var partial = ProtobufWriter()
    partial.integer(1, 3)
    partial.string(2, "too old")
    var response = ProtobufWriter()
    response.message(1, partial)
    let json = Array(
      #"{ "partialSuccess" : {"errorMessage":"too \"old\"", "other": [1,{"a":null}], "rejectedLogRecords":"3"}}"#.utf8)
    #expect(
      answer(200, body: response.bytes).httpOutcome(isJSON: false, now: 0) == .taken(rejected: 3, message: "too old"))
    #expect(answer(200, body: json).httpOutcome(isJSON: true, now: 0) == .taken(rejected: 3, message: "too \"old\""))
    #expect(
      answer(200, ["grpc-status: 0"], body: GRPCFrame.frame(response.bytes, isCompressed: false)).grpcOutcome()
        == .taken(rejected: 3, message: "too old"))
    #expect(answer(200, body: Array("{}".utf8)).httpOutcome(isJSON: true, now: 0) == .taken(rejected: 0, message: ""))
  }

  @Test func `arbitrary response bytes never trap`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      let text = String(decoding: Base64.encode(bytes), as: UTF8.self)
      let any = answer(
        200, ["grpc-status: 8", "grpc-status-details-bin: \(text)", "grpc-message: %\(text)%"], body: bytes)
      _ = any.grpcOutcome()
      _ = any.httpOutcome(isJSON: true, now: .max)
      _ = any.httpOutcome(isJSON: false, now: 0)
      var reader = ProtobufReader(bytes[...])
      while reader.next() != nil {}
    }
  }
}

@Suite struct ProtobufTests {
  @Test func `numbers and strings are encoded as the format specifies`() {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    writer.integer(2, 0)
    writer.integer(3, -1)
    writer.string(4, "testing")
    writer.string(5, "")
    writer.bytesField(6, [])
    writer.fixed64(7, 0x0102)
    writer.presentInteger(16, 0)
    #expect(
      writer.bytes == [
        0x08, 0x96, 0x01, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x22, 7,
      ] + Array("testing".utf8) + [0x32, 0, 0x39, 2, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x01, 0])
  }

  @Test func `the reader returns what the writer wrote`() {
    var writer = ProtobufWriter()
    writer.integer(1, .max)
    writer.fixed64(2, .max)
    writer.string(300, "x")
    var reader = ProtobufReader(writer.bytes[...])
    let first = reader.next()
    #expect(first?.field == 1 && first?.value == .integer(UInt64(Int64.max)))
    #expect(reader.next()?.value == .integer(.max))
    let last = reader.next()
    #expect(last?.field == 300 && last?.value == .bytes([0x78]))
    #expect(reader.next() == nil)
  }

  @Test(
    arguments: [
      [0x08], [0x08, 0x80], [0x12, 5, 1], [0x0b], [0x00, 1], [0x09, 1, 2], [0x0d, 1],
      [0x08] + [UInt8](repeating: 0x80, count: 11),
      [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ] as [[UInt8]])
  func `parsing ends at an invalid message`(bytes: [UInt8]) {
    var reader = ProtobufReader(bytes[...])
    #expect(reader.next() == nil && reader.next() == nil)
  }
}
