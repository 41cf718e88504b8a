import Glibc
import Model
import System

/// The server side of scp(1), for one command of a client. Owns both descriptors.
public struct SCPServer {
  private let command: SCPCommand
  private let files: RootedFileSystem
  private let connection: SCPConnection
  private let user: String
  private let maxFileSize: UInt64?

  /// - Parameters:
  ///   - user: name of the login, for `~user`.
  ///   - maxFileSize: largest size in bytes of a received file.
  public init(
    _ command: SCPCommand, files: RootedFileSystem, input: Descriptor, output: Descriptor, user: String = "",
    maxFileSize: UInt64? = nil
  ) {
    self.command = command
    self.files = files
    connection = SCPConnection(input: input, output: output, observer: files.observer)
    self.user = user
    self.maxFileSize = maxFileSize
  }

  /// Serves the client to the end; returns the exit code: 0 when everything was transferred, else 1.
  public func run() -> Int32 {
    do throws(SCPFailure) {
      switch command.direction {
      case .source: try send()
      case .sink: try receive()
      }
      return connection.hasFailed ? 1 : 0
    } catch {
      if case .violation(let violation) = error {
        if violation != .lost && violation != .lostInDirectory {
          files.observer?.record(.violated(violation.description))
        }
        // The client may be gone.
        try? connection.complain("protocol error: \(violation.description)")
      }
      return 1
    }
  }

  private func send() throws(SCPFailure) {
    guard try connection.isAccepted() else { return }
    var source = SCPSource(
      files: files, connection: connection, isRecursive: command.isRecursive, preserves: command.preserves)
    for word in command.paths {
      for path in try expand(word) { try source.send(path) }
    }
  }

  private func receive() throws(SCPFailure) {
    var targets: [[UInt8]] = []
    for word in command.paths where targets.count < 2 { targets += try expand(word) }
    guard let target = targets.first, targets.count == 1 else {
      if !targets.isEmpty { try connection.complain("ambiguous target") }
      return
    }
    var sink = SCPSink(
      target, files: files, connection: connection, isRecursive: command.isRecursive, preserves: command.preserves,
      maxFileSize: maxFileSize)
    try sink.run(needsDirectory: command.needsDirectory)
  }

  private func expand(_ word: ShellWord) throws(SCPFailure) -> [[UInt8]] {
    do throws(FileError) {
      return try PathExpansion(files: files, user: user).paths(word)
    } catch {
      try connection.complain(word.bytes, error.reason)
      return []
    }
  }
}
