import Wire

/// The message framing of gRPC: a byte for compression, four bytes for the length, and the message.
///
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
public enum GRPCFrame {
  /// Frames a message.
  public static func frame(_ message: [UInt8], isCompressed: Bool) -> [UInt8] {
    var writer = WireWriter(capacity: message.count + 5)
    writer.boolean(isCompressed)
    writer.string(message)
    return writer.bytes
  }

  /// The first message in a response body; nil if it is incomplete or compressed, because we announce that we accept no
  /// compression.
  static func content(of body: [UInt8]) -> [UInt8]? {
    var reader = WireReader(body)
    do throws(WireError) {
      guard try reader.byte() == 0 else { return nil }
      return Array(try reader.string())
    } catch {
      return nil
    }
  }
}

/// Decodes the status of a gRPC call.
enum GRPCCode {
  private static let names = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]

  /// The name of a status code.
  static func name(_ code: UInt8) -> String { Int(code) < names.count ? names[Int(code)] : "status \(code)" }

  /// Decodes `grpc-message`, which is percent-encoded. At most 1024 bytes are read.
  static func message(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8.prefix(1024))[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Decodes a header whose name ends in `-bin`: Base64, with or without padding. nil for more than 16 KiB.
  static func binary(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 16 << 10 else { return nil }
    var padded = Array(text.utf8)
    while padded.count % 4 != 0 { padded.append(UInt8(ascii: "=")) }
    return Base64.decode(padded)
  }
}

/// `google.rpc.Status`: an error with details. google/rpc/status.proto, google/rpc/error_details.proto
struct RPCStatus {
  private(set) var message = ""
  /// The delay in `RetryInfo` among the details, in milliseconds.
  private(set) var retryDelay: Int64?

  init?(protobuf: ArraySlice<UInt8>) {
    var reader = ProtobufReader(protobuf)
    while let (field, value) = reader.next() {
      switch (field, value) {
      case (2, .bytes(let bytes)): message = String(decoding: bytes.prefix(1024), as: UTF8.self)
      case (3, .bytes(let bytes)): retryDelay = RPCStatus.retryInfo(bytes) ?? retryDelay
      default: continue
      }
    }
  }

  /// The delay in milliseconds if `any` is a `google.protobuf.Any` with a `RetryInfo`.
  private static func retryInfo(_ any: ArraySlice<UInt8>) -> Int64? {
    var isRetryInfo = false
    var content: ArraySlice<UInt8> = []
    var reader = ProtobufReader(any)
    while let (field, value) = reader.next() {
      switch (field, value) {
      case (1, .bytes(let type)): isRetryInfo = type.elementsEqual("type.googleapis.com/google.rpc.RetryInfo".utf8)
      case (2, .bytes(let bytes)): content = bytes
      default: continue
      }
    }
    guard isRetryInfo else { return nil }
    var info = ProtobufReader(content)
    guard case (1, .bytes(let duration))? = info.next() else { return 0 }
    // If a field is repeated, the last value applies.
    var (seconds, nanoseconds): (UInt64, UInt64) = (0, 0)
    var fields = ProtobufReader(duration)
    while let (field, value) = fields.next() {
      switch (field, value) {
      case (1, .integer(let value)): seconds = min(value, 1 << 40)
      case (2, .integer(let value)): nanoseconds = min(value, 1_000_000_000)
      default: continue
      }
    }
    return Int64(seconds * 1000 + nanoseconds / 1_000_000)
  }
}
