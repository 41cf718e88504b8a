import CLinux
import Glibc

/// The version of the messages between the processes of one daemon.
///
/// It precedes each message, and each message that a process is started with in sealed memory. Processes of two builds
/// whose messages differ detect that at the first message and report it, instead of decoding one field as another. A
/// change of any message raises the last number in Sources/C/CLinux/version.c; MessageVersionTests compares the samples
/// of all messages with those of the current version.
public enum MessageVersion {
  /// The bytes that precede each message: `bssh` and the version in four bytes, most significant first.
  public static let header: [UInt8] = withUnsafeBytes(of: clinux_message_header) { Array($0) }

  /// The version of this build.
  public static let current = version(header[...])!

  /// Compares the header of a received message with ours.
  ///
  /// - Throws: `SystemError` with EPROTO, which says what to do, when they differ.
  static func check(_ header: ArraySlice<UInt8>) throws(SystemError) {
    guard !header.elementsEqual(Self.header) else { return }
    let theirs = version(header).map { "version \($0)" } ?? "no version"
    throw SystemError(
      "the other process has messages of \(theirs), this one of version \(current): "
        + "their executables are not of one build; install all of one build, and restart bssh-server",
      code: EPROTO)
  }

  /// The first bytes of a header, as ``check(_:)``: throws as soon as they cannot become ours, because more may never
  /// arrive.
  static func check(beginning bytes: ArraySlice<UInt8>) throws(SystemError) {
    if bytes.count < header.count, header.prefix(4).starts(with: bytes.prefix(4)) { return }
    try check(bytes)
  }

  /// A message preceded by the version, for a datagram.
  public static func headed(_ message: [UInt8]) -> [UInt8] { header + message }

  /// The message in a datagram.
  ///
  /// - Throws: `SystemError` with EPROTO when it is of another version.
  public static func message(in datagram: [UInt8]) throws(SystemError) -> ArraySlice<UInt8> {
    try check(datagram.prefix(header.count))
    return datagram.dropFirst(header.count)
  }

  private static func version(_ header: ArraySlice<UInt8>) -> UInt32? {
    guard header.count == Self.header.count, header.prefix(4).elementsEqual(Self.header.prefix(4)) else { return nil }
    return header.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }
}

extension Descriptor {
  /// A message in sealed memory, for a process that is started with it.
  ///
  /// - Throws: `SystemError` with the errno of memfd_create(2), write(2) or fcntl(2).
  public static func sealedMessage(name: String, _ bytes: [UInt8]) throws(SystemError) -> Descriptor {
    let file = try memory(name: name)
    try file.writeAll(MessageVersion.header)
    try file.writeAll(bytes)
    try file.seal()
    return file
  }

  /// The message in this memory.
  ///
  /// - Throws: `SystemError` with EINVAL when the memory is not sealed, EPROTO when the message is of another version,
  ///   EFBIG when it has more than `limit` bytes.
  public func sealedMessage(limit: Int) throws(SystemError) -> [UInt8] {
    guard isSealedMemory else { throw SystemError("read a message: no sealed memory", code: EINVAL) }
    try MessageVersion.check(try read(count: MessageVersion.header.count, at: 0)[...])
    let bytes = try read(count: limit + 1, at: MessageVersion.header.count)
    guard bytes.count <= limit else { throw SystemError("read a message: more than \(limit) bytes", code: EFBIG) }
    return bytes
  }
}
