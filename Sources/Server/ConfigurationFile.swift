import Configuration
import Glibc
import System

/// Finds the configuration and loads it: one way for `run`, `load` and `check-config`.
struct ConfigurationFile {
  /// As it was named, and as problems name it; nil when there is none, and variables and options say everything.
  let name: String?

  /// True when it was named, and not just found.
  private let isNamed: Bool

  /// The same from any directory.
  var path: String? { name.map(Self.absolute) }

  /// The file of `-c`, or the first that exists of those that are looked for.
  init(_ arguments: Arguments) {
    let named = arguments.value("config")
    isNamed = named != nil
    name = named ?? Self.usual.first { path in access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) }
  }

  /// Where a configuration is looked for, in this order.
  static var usual: [String] {
    let own =
      ProcessEnvironment.value(of: "XDG_CONFIG_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? ProcessEnvironment.value(of: "HOME").flatMap { $0.isEmpty ? nil : $0 + "/.config" }
    return ["./bssh-server.yaml", "/etc/bssh/server.yaml"] + (own.map { [$0 + "/bssh/server.yaml"] } ?? [])
  }

  /// `path` from the root on, so that it means the same from another directory.
  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let directory = ProcessEnvironment.directory else { return path }
    return directory + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
  }

  /// The settings that the file, the environment and the options make on this machine.
  func load(_ arguments: Arguments, on machine: Machine) throws(Rejected) -> Loaded {
    var file: Loader.File?
    do throws(Problem) { file = try name.map(read) } catch { throw Rejected(problems: [error], warnings: []) }
    let environment = ProcessEnvironment.all.map { variable in
      let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
    }
    let options = [("-b", "bind-address"), ("-p", "port"), ("-k", "host-key")].compactMap { short, long in
      arguments.values[long].map { (name: short, values: $0) }
    }
    return try Loader(file: file, environment: environment, options: options).load(in: machine.surroundings)
  }

  private func read(_ path: String) throws(Problem) -> Loader.File {
    let bytes: [UInt8]
    let isReadableByOthers: Bool
    let isTrusted: Bool
    do throws(RegularFile.Unreadable) {
      let file = try RegularFile(path)
      isReadableByOthers = file.isReadableByOthers
      // Who starts us in somebody's directory has not chosen what somebody put there.
      isTrusted = isNamed || file.isOurs
      bytes = try file.bytes(limit: YAML.sizeLimit)
    } catch {
      throw Problem(source: .file(path), key: "", reason: "cannot read the configuration: \(error.reason)")
    }
    guard isTrusted else {
      throw Problem(
        source: .file(path), key: "",
        reason: "found, but others can have written it; '-c \(path)' uses it all the same")
    }
    let root = try YAML.parse(bytes, name: path)
    return Loader.File(name: path, root: root, isReadableByOthers: isReadableByOthers)
  }
}
