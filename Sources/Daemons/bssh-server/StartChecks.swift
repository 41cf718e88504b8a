import AccessControl
import Configuration
import Glibc
import System

/// What a start needs in addition to a configuration that loads: programs, addresses, files that it writes. Changes
/// nothing.
struct StartChecks {
  private(set) var problems: [Diagnostic] = []
  private(set) var warnings: [Diagnostic] = []

  init(_ loaded: Loaded, _ arguments: Arguments) {
    for program in ExecutableName.allCases where program != .server {
      do throws(SystemError) {
        let path = try Executables.find(program.rawValue)
        // Only root executes the supervisor; users need not be able to.
        if Hardening.isRoot, program != .supervisor,
          let reason = Executables.obstacle(toUsersStarting: path)
        {
          let warning = Diagnostic(source: nil, key: "", reason: reason)
          if !warnings.contains(warning) { warnings.append(warning) }
        }
      } catch {
        problems.append(Diagnostic(source: nil, key: "", reason: "\(error)"))
      }
    }
    if Hardening.isRoot {
      do throws(SystemError) { try EmptyDirectory.inspect(EmptyDirectory.ofTransports) } catch {
        problems.append(Diagnostic(source: nil, key: "", reason: "\(error)"))
      }
    }
    if let path = arguments.value("pid-file").map(ConfigurationFile.absolute),
      let obstacle = Self.obstacle(toWriting: path)
    {
      let problem = Diagnostic(source: .option("--pid-file"), key: "", reason: obstacle.reason)
      if obstacle.isDenied { denied(problem) } else { problems.append(problem) }
    }
    if let path = loaded.settings.security.banStateFile,
      let obstacle = Self.obstacle(toWriting: path, makesFolder: true)
    {
      warnings.append(
        loaded.sourceMap.problem(of: "security.ban_state_file", "bans cannot be saved: \(obstacle.reason)"))
    }
    checkAddresses(loaded)
  }

  /// What this user may not do; the daemon may be started by root, who may.
  private mutating func denied(_ problem: Diagnostic) {
    if Hardening.isRoot { problems.append(problem) } else { warnings.append(problem.unchecked) }
  }

  /// Addresses that this machine does not have now, and ports that this user may not use. Whether another process
  /// listens there is not checked: it may be the daemon itself.
  private mutating func checkAddresses(_ loaded: Loaded) {
    for (index, address) in loaded.settings.server.bindAddresses.enumerated() {
      let place = SocketAddress(address: address.address, port: address.port)
      guard let failure = Listener.obstacle(to: place) else { continue }
      switch failure.code {
      case EADDRNOTAVAIL where !address.isEveryAddress:
        warnings.append(
          loaded.sourceMap.problem(
            of: "server.bind_address", entry: index, "this machine does not have the address \(address.address)"))
      case EACCES:
        denied(
          loaded.sourceMap.problem(
            of: "server.port", "port \(address.port) needs root's privileges: \(SystemError.message(failure.code))"))
      case EAFNOSUPPORT where !address.isEveryAddress:
        warnings.append(
          loaded.sourceMap.problem(
            of: "server.bind_address", entry: index, "the kernel has no IPv6 for \(address.address)"))
      default: continue
      }
    }
  }

  /// Why this process could not create or overwrite a file there, and whether it lacks the permission; nil: it could.
  private static func obstacle(
    toWriting path: String, makesFolder: Bool = false
  ) -> (reason: String, isDenied: Bool)? {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let folder = path[..<slash].isEmpty ? "/" : String(path[..<slash])
    let name = Array(path[slash...].utf8.dropFirst())
    if name.isEmpty { return ("'\(path)' is a directory", false) }
    do throws(SystemError) {
      guard let directory = try ServiceDirectory.open(folder, missing: .leave) else {
        return makesFolder ? nil : ("the directory '\(folder)' does not exist", false)
      }
      if directory.isKernelFileSystem { return ("no files can be created in '\(folder)'", false) }
      if let status = try? directory.attributes(ofEntry: name) {
        if status.kind == .directory { return ("'\(path)' is a directory", false) }
        if !makesFolder {
          try directory.permits(nil, W_OK, entry: name)
          return nil
        }
      }
      try directory.permits(nil, W_OK | X_OK, entry: [UInt8(ascii: ".")])
      return nil
    } catch { return ("'\(folder)' cannot be written to: \(SystemError.message(error.code))", error.code == EACCES) }
  }
}
