import Audit
import CCurl
import Export
import Gzip
import IPC
import JournalReader
import System

/// Sends to an OpenTelemetry collector: OTLP over gRPC or HTTP. One request at a time, to preserve the order.
final class OTLPReceiver: Receiver {
  private let settings: OTelSettings
  private let loop: CurlLoop
  private let handle: CurlHandle
  private var sizer: BatchSizer
  /// The events of the current request.
  private var events: [JournalEvent] = []
  /// Those events that do not parse and are not part of the request.
  private var unreadable: [JournalEvent] = []
  private var answer = OTLPResponse()
  /// Why no request could be built; empty if none of the events parses.
  private var failure: String?
  /// When an event was refused alone, and why.
  private var refusal: (time: Int64, reason: String)?

  init(_ settings: OTelSettings, batchSize: Int, loop: CurlLoop) throws(SystemError) {
    self.settings = settings
    self.loop = loop
    sizer = BatchSizer(countLimit: batchSize)
    handle = try CurlHandle()
    prepare()
  }

  private var isCompressed: Bool { settings.compression == .gzip }

  private func prepare() {
    let isGRPC = settings.transport == .grpc
    let isEncrypted = settings.endpoint.hasPrefix("https:")
    handle.set(CURLOPT_URL, OTLPReceiver.url(settings.endpoint, settings.transport))
    handle.set(
      CURLOPT_HTTP_VERSION,
      isEncrypted ? CURL_HTTP_VERSION_2TLS : isGRPC ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1)
    // libcurl before version 8 cannot send a second request over such a connection.
    if isGRPC && !isEncrypted && CurlHandle.version < 0x08_00_00 { handle.set(CURLOPT_FORBID_REUSE, 1) }
    handle.set(CURLOPT_POST, 1)
    handle.set(CURLOPT_TIMEOUT, Int(settings.timeout))
    if isEncrypted { handle.set(settings.tls) }
    let compressed = isCompressed ? (isGRPC ? ["grpc-encoding: gzip"] : ["Content-Encoding: gzip"]) : []
    let own =
      switch settings.transport {
      case .grpc: ["Content-Type: application/grpc", "TE: trailers", "grpc-accept-encoding: identity"]
      case .httpProtobuf: ["Content-Type: application/x-protobuf"]
      case .httpJSON: ["Content-Type: application/json"]
      }
    // libcurl converts header names to lower case for HTTP/2.
    let given = settings.headers.map { "\($0.name): " + $0.value.lend { String(decoding: $0, as: UTF8.self) } }
    handle.setHeaders(own + compressed + ["User-Agent: bssh-exporter/\(version)", "Expect:"] + given)
    handle.receive(
      header: { [weak self] in self?.answer.add(headerLine: String(decoding: $0, as: UTF8.self)) },
      body: { [weak self] bytes in
        guard let self else { return }
        answer.body += bytes.prefix(OTLPResponse.bodyLimit - min(answer.body.count, OTLPResponse.bodyLimit))
      })
  }

  /// The URL for requests: the endpoint, with the standard path for logs appended unless it is present.
  static func url(_ endpoint: String, _ transport: OTelSettings.Transport) -> String {
    let path =
      switch transport {
      case .grpc: "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
      case .httpProtobuf, .httpJSON: "/v1/logs"
      }
    let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    return base.hasSuffix(path) ? base : base + path
  }

  var room: Int { events.isEmpty ? sizer.limit : 0 }
  var waits: [CurlLoop.Wait] { [] }
  var deadline: Int64? { failure != nil ? 0 : events.isEmpty ? refusal.map { $0.time + RetryDelay.limit } : nil }

  func queue(_ events: [JournalEvent], now: Int64) {
    self.events = events
    unreadable = []
    var lines: [JournalLine] = []
    for event in events {
      do throws(JournalLineError) {
        lines.append(try JournalLine(json: event.line))
      } catch {
        unreadable.append(event)
      }
    }
    if lines.isEmpty {
      failure = ""
      return
    }
    do throws(GzipError) {
      let request = OTLPRequest(
        lines, version: version, resource: settings.resource.map { ($0.name, $0.value) })
      let message = settings.transport == .httpJSON ? request.json : request.protobuf
      let content = isCompressed ? try compressed(message) : message
      handle.setBody(
        settings.transport == .grpc ? GRPCFrame.frame(content, isCompressed: isCompressed) : content)
      answer = OTLPResponse()
      loop.start(handle)
    } catch {
      failure = "\(error)"
    }
  }

  private func compressed(_ message: [UInt8]) throws(GzipError) -> [UInt8] {
    let writer = try GzipWriter()
    return writer.add(message[...]) + writer.finish()
  }

  func work(now: Int64) -> [Outcome] {
    guard let last = events.last else {
      guard let refusal, now >= refusal.time + RetryDelay.limit else { return [] }
      return [.failed(reason: refusal.reason, isLasting: true)]
    }
    if let failure {
      self.failure = nil
      return failure.isEmpty ? taken(last, rejected: 0, "") : [.failed(reason: failure, isLasting: true)]
    }
    guard let code = loop.result(of: handle) else { return [] }
    guard code == CURLE_OK else { return [.failed(reason: "\(handle.error(code))")] }
    answer.status = handle.status
    let outcome =
      settings.transport == .grpc
      ? answer.grpcOutcome()
      : answer.httpOutcome(isJSON: settings.transport == .httpJSON, now: Clock.secondsSince1970)
    switch outcome {
    case .taken(let rejected, let message): return taken(last, rejected: rejected, message)
    case .failed(let reason, let wanted, let isLasting):
      return [.failed(reason: reason, wanted: wanted, isLasting: isLasting)]
    case .refused(let reason, let isTooMuch): return refused(reason, isTooMuch, now)
    }
  }

  private func taken(_ last: JournalEvent, rejected: UInt64, _ message: String) -> [Outcome] {
    var outcomes: [Outcome] = []
    if let lost = sizer.taken() {
      outcomes.append(.lost(first: lost, count: 1, reason: .refused))
    }
    refusal = nil
    for event in unreadable {
      outcomes.append(.lost(first: event.head, count: 1, reason: .unreadable))
    }
    // Never more than were sent, whatever the receiver reports.
    let count = min(rejected, UInt64(events.count - unreadable.count))
    if count > 0, let first = events.first {
      outcomes.append(.lost(first: first.head, count: count, reason: .rejected))
    }
    if !message.isEmpty { outcomes.append(.log("the receiver says: \(message)")) }
    events = []
    return outcomes + [.accepted(last.head), .settled(last.head, last.place)]
  }

  private func refused(_ reason: String, _ isTooMuch: Bool, _ now: Int64) -> [Outcome] {
    switch sizer.refused(events.map(\.head), isTooMuch: isTooMuch) {
    case .again: return [.again]
    case .probe:
      events = []
      refusal = (now, reason)
      return [.log("event \(sizer.suspect?.sequence ?? 0) is refused: \(reason); trying the one after it")]
    case .wait: return [.failed(reason: reason, isLasting: true)]
    }
  }

  func reset() {
    loop.remove(handle)
    events = []
    failure = nil
    refusal = nil
    sizer.failed()
  }

  func finish(now: Int64) -> (outcomes: [Outcome], isOver: Bool) {
    guard !events.isEmpty else { return ([], true) }
    let outcomes = work(now: now)
    return (outcomes, !outcomes.isEmpty)
  }
}
