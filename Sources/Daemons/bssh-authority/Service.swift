import Configuration
import Credentials
import IPC
import System
import Wire

/// Why an authority must stop.
enum ServiceError: Error, CustomStringConvertible {
  /// A message from the supervisor is unexpected or does not parse.
  case message(String)
  /// A system call failed.
  case system(SystemError)
  /// A host key, password hash or secret is invalid, or cryptography failed.
  case credentials(CredentialError)

  var description: String {
    switch self {
    case .message(let text): text
    case .system(let error): "\(error)"
    case .credentials(let error): "\(error)"
    }
  }
}

/// The authority's main loop: receives requests from the supervisor and answers each before it receives the next.
enum Service {
  /// Maximum size of the settings in sealed memory, in bytes.
  static let settingsLimit = 16 << 20

  /// Serves requests until the supervisor closes the socket.
  ///
  /// - Throws: `ServiceError`, see its cases.
  static func run(_ supervisor: MessageSocket) throws(ServiceError) {
    guard let first = try receive(supervisor) else { return }
    let authority = try start(first.bytes, first.descriptors)
    try send(.ready(hostKeys: authority.hostKeys.offers), to: supervisor)
    while var question = try receive(supervisor) {
      let answer = try authority.reply(to: question.bytes, files: question.descriptors)
      // Requests can contain passwords.
      Secret.wipe(&question.bytes)
      try send(answer, to: supervisor)
    }
  }

  /// Creates the authority from the first message.
  ///
  /// - Throws: `ServiceError`, see its cases.
  static func start(_ message: [UInt8], _ descriptors: [Descriptor]) throws(ServiceError) -> Authority {
    let start: AuthorityStart
    do throws(WireError) {
      start = try AuthorityStart(wireBytes: message[...])
    } catch { throw .message("the first message is not what an authority starts with (\(error))") }
    guard descriptors.count == 1 + Int(start.hostKeyCount) else {
      throw .message("\(descriptors.count) descriptors came where \(1 + start.hostKeyCount) were said to come")
    }
    do {
      // Other authorities share these descriptors, so the file offsets must not change.
      let settings = try Settings(wireBytes: descriptors[0].read(count: settingsLimit, at: 0)[...])
      var keys: [HostKey] = []
      for (index, file) in descriptors.dropFirst().enumerated() {
        let name = index < settings.server.hostKeys.count ? settings.server.hostKeys[index] : "host key \(index + 1)"
        var content = try file.read(count: HostKey.fileLimit + 1, at: 0)
        defer { Secret.wipe(&content) }
        keys.append(try HostKey.read(content, name: name))
      }
      return try Authority(
        settings: settings, hostKeys: keys, singleUser: start.singleUser, accounts: SystemAccounts())
    } catch let error as SystemError {
      throw .system(error)
    } catch let error as CredentialError {
      throw .credentials(error)
    } catch {
      throw .message("the settings cannot be read (\(error))")
    }
  }

  private static func receive(
    _ supervisor: MessageSocket
  ) throws(ServiceError) -> (bytes: [UInt8], descriptors: [Descriptor])? {
    while true {
      do throws(SystemError) {
        switch try supervisor.receive(wait: -1) {
        case .message(let bytes, let descriptors): return (bytes, descriptors)
        case .wouldBlock: continue
        case .closed: return nil
        }
      } catch { throw .system(error) }
    }
  }

  private static func send(_ answer: AuthorityToSupervisor, to supervisor: MessageSocket) throws(ServiceError) {
    do throws(SystemError) { try supervisor.send(answer.wireBytes, wait: true) } catch { throw .system(error) }
  }
}
