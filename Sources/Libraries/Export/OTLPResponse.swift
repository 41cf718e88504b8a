/// The result of an OTLP request.
public enum OTLPOutcome: Equatable, Sendable {
  /// The receiver accepted the request. `rejected`: number of records that it discarded for good.
  case taken(rejected: UInt64, message: String)
  /// A failure after which the request must be repeated.
  ///
  /// - `wanted`: the delay in milliseconds that the receiver asks for.
  /// - `isLasting`: the fault is likely to persist until someone repairs it.
  case failed(reason: String, wanted: Int64?, isLasting: Bool)
  /// The receiver refuses these records, or, with `isTooMuch`, their number; the same request must not be repeated. If
  /// the request had a single record, `isTooMuch` is considered temporary.
  case refused(reason: String, isTooMuch: Bool)
}

/// An HTTP response of a receiver.
public struct OTLPResponse: Sendable {
  /// Maximum number of bytes of the body that callers keep.
  public static let bodyLimit = 64 << 10

  /// The HTTP status code.
  public var status = 0
  /// Headers, and the trailers of gRPC. Names are in lower case.
  public private(set) var headers: [(name: String, value: String)] = []
  /// The body, at most ``bodyLimit`` bytes.
  public var body: [UInt8] = []

  public init() {}

  /// Adds a header line. A status line discards earlier headers, because only the last response counts.
  public mutating func add(headerLine line: String) {
    if line.hasPrefix("HTTP/") {
      headers = []
      return
    }
    guard headers.count < 100, let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return }
    let value = Substring(line.utf8[line.utf8.index(after: colon)...])
    headers.append((line.prefix(upTo: colon).lowercased(), trimmed(value)))
  }

  /// The last value of a header.
  func header(_ name: String) -> String? { headers.last { $0.name == name }?.value }

  private func trimmed(_ text: Substring) -> String {
    var utf8 = text.utf8
    while let first = utf8.first, first == 0x20 || first == 0x09 { utf8.removeFirst() }
    while let last = utf8.last, last <= 0x20 { utf8.removeLast() }
    return String(Substring(utf8))
  }

  // MARK: HTTP

  /// The meaning of a response over HTTP. OTLP specification, section OTLP/HTTP Response
  ///
  /// - Parameter now: seconds since 1970, to evaluate a date in Retry-After.
  public func httpOutcome(isJSON: Bool, now: Int64) -> OTLPOutcome {
    switch status {
    case 200..<300:
      let (rejected, message) = isJSON ? OTLPPartialSuccess.read(json: body) : OTLPPartialSuccess.read(protobuf: body)
      return .taken(rejected: rejected, message: message)
    case 429, 502, 503, 504:
      return .failed(reason: httpReason, wanted: HTTPDate.retryAfter(header("retry-after"), now: now), isLasting: false)
    case 400, 413, 422: return .refused(reason: httpReason, isTooMuch: status == 413)
    default: return .failed(reason: httpReason, wanted: nil, isLasting: true)
    }
  }

  private var httpReason: String {
    let text: String? =
      if header("content-type")?.hasPrefix("application/x-protobuf") == true {
        RPCStatus(protobuf: body[...])?.message
      } else {
        String(validating: body.prefix(200), as: UTF8.self)
      }
    return "HTTP \(status)" + (text.map { $0.isEmpty ? "" : ": \($0)" } ?? "")
  }

  // MARK: gRPC

  /// The meaning of a response over gRPC. OTLP specification, section OTLP/gRPC Response
  public func grpcOutcome() -> OTLPOutcome {
    guard status == 200, let text = header("grpc-status"), let code = UInt8(text) else {
      // Not a gRPC server, or a proxy in front of one: its HTTP status decides.
      // https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
      let isLasting = ![429, 502, 503, 504].contains(status)
      return .failed(
        reason: status == 200 ? "no grpc-status in the answer" : "HTTP \(status) without grpc-status", wanted: nil,
        isLasting: isLasting && status != 200)
    }
    let name = GRPCCode.name(code)
    let message = GRPCCode.message(header("grpc-message") ?? "")
    let reason = message.isEmpty ? name : "\(name): \(message)"
    let details = header("grpc-status-details-bin").flatMap { GRPCCode.binary($0) }
    let delay = details.flatMap { RPCStatus(protobuf: $0[...])?.retryDelay }
    switch code {
    case 0:
      guard let message = GRPCFrame.content(of: body) else {
        return .failed(reason: "the reply is not a gRPC message", wanted: nil, isLasting: false)
      }
      let (rejected, text) = OTLPPartialSuccess.read(protobuf: message)
      return .taken(rejected: rejected, message: text)
    // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
    case 1, 4, 10, 11, 14, 15: return .failed(reason: reason, wanted: delay, isLasting: false)
    // RESOURCE_EXHAUSTED: temporary if the receiver states a delay, otherwise the request is too large.
    case 8:
      return delay != nil
        ? .failed(reason: reason, wanted: delay, isLasting: false) : .refused(reason: reason, isTooMuch: true)
    // INVALID_ARGUMENT
    case 3: return .refused(reason: reason, isTooMuch: false)
    default: return .failed(reason: reason, wanted: nil, isLasting: true)
    }
  }
}
