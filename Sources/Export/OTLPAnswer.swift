/// What came of a request of OTLP.
public enum OTLPOutcome: Equatable, Sendable {
  /// The receiver has it. `rejected`: records that it did not take, and will never take.
  case taken(rejected: UInt64, message: String)
  /// Not now: to be sent again.
  ///
  /// - `wanted`: milliseconds that the receiver asks for.
  /// - `isLasting`: it is not the moment that is wrong but how we ask; somebody has to mend that first.
  case failed(reason: String, wanted: Int64?, isLasting: Bool)
  /// The records themselves are wrong in its eyes, or too many: they are not to be sent like this again. Of one record
  /// alone, what is too many will pass.
  case refused(reason: String, isTooMuch: Bool)
}

/// An answer of a receiver, from HTTP.
public struct OTLPAnswer: Sendable {
  /// Bytes of a body that are kept; nothing that matters is longer.
  public static let bodyLimit = 64 << 10

  /// The code of HTTP, 200 and the like.
  public var status = 0
  /// Headers, and the trailers of gRPC; names in small letters.
  public private(set) var headers: [(name: String, value: String)] = []
  public var body: [UInt8] = []

  public init() {}

  /// Takes a line of the header; a new status line begins anew, for it is the answer that counts.
  public mutating func take(headerLine line: String) {
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

  /// What an answer over HTTP means. OTLP, section OTLP/HTTP Response
  ///
  /// - Parameter now: seconds from 1970 on, to read a date with.
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

  /// What an answer over gRPC means. OTLP, section OTLP/gRPC Response
  public func grpcOutcome() -> OTLPOutcome {
    guard status == 200, let text = header("grpc-status"), let code = UInt8(text) else {
      // Something that is no collector, or in front of one: what it says with HTTP counts.
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
        return .failed(reason: "an answer that is no message of gRPC", wanted: nil, isLasting: false)
      }
      let (rejected, text) = OTLPPartialSuccess.read(protobuf: message)
      return .taken(rejected: rejected, message: text)
    // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
    case 1, 4, 10, 11, 14, 15: return .failed(reason: reason, wanted: delay, isLasting: false)
    // RESOURCE_EXHAUSTED: it passes if the receiver says when; else the request is too large.
    case 8:
      return delay != nil
        ? .failed(reason: reason, wanted: delay, isLasting: false) : .refused(reason: reason, isTooMuch: true)
    // INVALID_ARGUMENT
    case 3: return .refused(reason: reason, isTooMuch: false)
    default: return .failed(reason: reason, wanted: nil, isLasting: true)
    }
  }
}
