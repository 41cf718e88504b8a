import CLibSSH
import Glibc
import IPC
import System

/// The SSH transport layer (RFC 4253), by libssh. One connection per process.
///
/// Nothing above this file depends on C.
enum SSH {
  /// The receiver of a connection's messages.
  protocol Owner: AnyObject {
    /// Signs an exchange hash, and waits for the signature. nil: refused, and the connection ends.
    func sign(hostKey: [UInt8], algorithm: String, hash: [UInt8]) -> [UInt8]?
    /// Handles a message of RFC 4252 or 4254: its number, and the payload behind that. The memory is valid during the
    /// call.
    func received(_ number: UInt8, _ payload: UnsafeRawBufferPointer)
    /// Observes DISCONNECT or NEWKEYS, which the transport layer itself handles.
    func noticed(_ number: UInt8, _ payload: UnsafeRawBufferPointer)
  }

  /// A failure, in libssh's words.
  struct Failure: Error {
    let text: String
  }

  /// The result of sending a message.
  enum Sent {
    /// Sent or buffered.
    case sent
    /// Held back until the current key exchange is complete.
    case held
    /// The connection is over.
    case over
  }

  nonisolated(unsafe) private static weak var owner: (any Owner)?

  /// Prepares everything that needs no connection.
  ///
  /// - Throws: `Failure` when libssh does not accept a setting or a host key.
  static func prepare(_ settings: TransportSettings) throws(Failure) {
    let addendum = settings.versionAddendum.isEmpty ? "" : " " + settings.versionAddendum
    let identification = TransportSettings.softwareName + addendum
    var strings: [UnsafeMutablePointer<CChar>?] = []
    let lists = [
      settings.keyExchanges, settings.hostKeyAlgorithms, settings.ciphers, settings.macs, settings.publicKeyAlgorithms,
    ]
    for text in [identification] + lists.map({ $0.joined(separator: ",") }) { strings.append(strdup(text)) }
    defer { for string in strings { free(string) } }
    var raw = clibssh_settings()
    raw.identification = UnsafePointer(strings[0])
    raw.key_exchanges = UnsafePointer(strings[1])
    raw.host_key_algorithms = UnsafePointer(strings[2])
    raw.ciphers = UnsafePointer(strings[3])
    raw.macs = UnsafePointer(strings[4])
    raw.public_key_algorithms = UnsafePointer(strings[5])
    raw.compression = settings.compression ? 1 : 0
    raw.rekey_bytes = settings.rekeyBytes
    raw.rekey_seconds = settings.rekeyInterval
    var callbacks = clibssh_owner(
      context: nil,
      sign: { _, key, keyLength, algorithm, hash, hashLength, signature, capacity in
        let answer = SSH.owner?.sign(
          hostKey: Array(UnsafeBufferPointer(start: key, count: keyLength)), algorithm: String(cString: algorithm!),
          hash: Array(UnsafeBufferPointer(start: hash, count: hashLength)))
        guard let answer, answer.count <= capacity else { return 0 }
        signature!.update(from: answer, count: answer.count)
        return answer.count
      },
      packet: { _, number, payload, length in
        SSH.owner?.received(number, UnsafeRawBufferPointer(start: payload, count: length))
      },
      notice: { _, number, payload, length in
        SSH.owner?.noticed(number, UnsafeRawBufferPointer(start: payload, count: length))
      })
    try check(clibssh_prepare(&raw, &callbacks))
    for blob in settings.hostKeys {
      guard let type = keyType(blob) else { throw Failure(text: "a host key is malformed") }
      try check(clibssh_add_host_key(type, blob, blob.count))
    }
  }

  /// Takes over a copy of a connected socket for the rest of the process. `owner` must live as long.
  ///
  /// - Throws: `SystemError` when no descriptor is free; `Failure` when libssh cannot begin the connection.
  static func accept(_ socket: Descriptor, owner: any Owner) throws {
    SSH.owner = owner
    try check(clibssh_accept(socket.duplicateNumber()))
  }

  /// Reads, delivers messages to the owner, and writes. False: the connection is over.
  ///
  /// - Parameters:
  ///   - readable: the event loop found the socket readable.
  ///   - writable: the event loop found the socket writable.
  static func step(readable: Bool, writable: Bool) -> Bool {
    clibssh_step(readable ? 1 : 0, writable ? 1 : 0) == 0
  }

  /// True while bytes that were read wait for the next step.
  static var isReadPending: Bool { clibssh_is_read_pending() != 0 }

  /// Writes what can be written, and reads nothing. False: the connection is over.
  static func flush(writable: Bool = false) -> Bool { clibssh_flush(writable ? 1 : 0) == 0 }

  /// True while bytes wait until the socket accepts them.
  static var isWritePending: Bool { clibssh_is_write_pending() != 0 }

  /// Sends a message that begins with its number.
  static func send(_ message: UnsafeRawBufferPointer) -> Sent {
    switch clibssh_send(message.baseAddress!.assumingMemoryBound(to: UInt8.self), message.count) {
    case 0: .sent
    case 1: .held
    default: .over
    }
  }

  /// Sends USERAUTH_SUCCESS. False: the connection is over.
  static func authenticated() -> Bool { clibssh_authenticated() == 0 }

  /// Sends USERAUTH_INFO_REQUEST with one prompt. False: the connection is over.
  static func prompt(name: String, instruction: String, prompt: String) -> Bool {
    clibssh_prompt(name, instruction, prompt) == 0
  }

  /// Bytes and packets received so far, after decryption.
  static var received: (bytes: UInt64, packets: UInt64) {
    var bytes: UInt64 = 0
    var packets: UInt64 = 0
    clibssh_received(&bytes, &packets)
    return (bytes, packets)
  }

  /// Bytes sent so far, before encryption, including libssh's own messages.
  static var sentBytes: UInt64 { clibssh_sent() }

  /// The client's identification and the algorithms of the first key exchange.
  static var negotiated: Negotiated {
    func text(_ pointer: UnsafePointer<CChar>?) -> String {
      pointer.map { Log.printable(String(String(cString: $0).prefix(200))) } ?? ""
    }
    let client = text(clibssh_client())
    return Negotiated(
      client: client.hasPrefix("SSH-2.0-") ? String(client.dropFirst(8)) : client,
      keyExchange: text(clibssh_key_exchange()), cipherIn: text(clibssh_cipher_in()),
      cipherOut: text(clibssh_cipher_out()))
  }

  /// The reason why the connection is over, for the log.
  static var error: String { String(cString: clibssh_error()) }

  /// Makes this process send a message to the supervisor and exit when it gets no more memory.
  ///
  /// - Throws: `Failure` when the message is longer than 512 bytes.
  static func whenOutOfMemory(send message: [UInt8], to supervisor: MessageSocket) throws {
    let bytes = supervisor.isTwoWays ? message : MessageSocket.framed(message)
    guard clibssh_when_out_of_memory(supervisor.writing.rawValue, bytes, bytes.count) == 0 else {
      throw Failure(text: "the last message is too long")
    }
  }

  /// Writes what is buffered, for at most this long, and closes the connection.
  static func close(milliseconds: Int32) { clibssh_close(milliseconds) }

  private static func check(_ message: UnsafePointer<CChar>?) throws(Failure) {
    if let message { throw Failure(text: String(cString: message)) }
  }

  /// The key type at the start of a public key blob.
  private static func keyType(_ blob: [UInt8]) -> String? {
    guard blob.count > 4, blob[0] == 0, blob[1] == 0, blob[2] == 0, blob.count >= 4 + Int(blob[3]) else { return nil }
    return String(validating: blob[4..<4 + Int(blob[3])], as: UTF8.self)
  }
}
