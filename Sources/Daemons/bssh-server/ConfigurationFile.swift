import Configuration
import Glibc
import System

/// Finds and loads the configuration, for `run`, `load` and `check-config`.
struct ConfigurationFile {
  /// The path as it was given, and as problems show it; nil: there is none, and only variables and options are used.
  let name: String?

  /// The absolute path.
  var path: String? { name.map(Self.absolute) }

  /// The file of `-c`, or the first existing one of the default paths.
  init(_ arguments: Arguments) {
    let named = arguments.value("config")
    name = named ?? Self.usual.first { path in access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) }
  }

  /// The default paths, in order of precedence.
  static var usual: [String] {
    let own =
      ProcessEnvironment.value(of: "XDG_CONFIG_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? ProcessEnvironment.value(of: "HOME").flatMap { $0.isEmpty ? nil : $0 + "/.config" }
    return ["./bssh-server.yaml", "/etc/bssh/server.yaml"] + (own.map { [$0 + "/bssh/server.yaml"] } ?? [])
  }

  /// `path` as an absolute path, which means the same in another directory.
  static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let directory = ProcessEnvironment.directory else { return path }
    return directory + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
  }

  /// The settings from the file, the environment and the options, for this machine.
  ///
  /// - Throws: `Rejected` with all problems and warnings.
  func load(_ arguments: Arguments, on machine: HostInspector) throws(Rejected) -> Loaded {
    var file: Loader.File?
    do throws(Diagnostic) { file = try name.map(read) } catch { throw Rejected(problems: [error], warnings: []) }
    let environment = ProcessEnvironment.all.map { variable in
      let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
    }
    let options = [("-b", "bind-address"), ("-p", "port"), ("-k", "host-key")].compactMap { short, long in
      arguments.values[long].map { (name: short, values: $0) }
    }
    var loader = Loader(file: file, environment: environment, options: options)
    loader.folder = ProcessEnvironment.directory
    return try loader.load(in: machine.hostEnvironment)
  }

  private func read(_ path: String) throws(Diagnostic) -> Loader.File {
    let bytes: [UInt8]
    let isReadableByOthers: Bool
    let distrust: String?
    do throws(RegularFile.Unreadable) {
      let file = try RegularFile(path)
      isReadableByOthers = file.isReadableByOthers
      distrust = file.distrust
      bytes = try file.bytes(limit: YAML.sizeLimit)
    } catch {
      throw Diagnostic(source: .file(path), key: "", reason: "cannot read the configuration: \(error.reason)")
    }
    if let distrust {
      throw Diagnostic(
        source: .file(path), key: "", reason: "not used, because others can have written it: \(distrust)")
    }
    let root = try YAML.parse(bytes, name: path)
    var file = Loader.File(name: path, root: root, isReadableByOthers: isReadableByOthers)
    let place = Self.absolute(path)
    file.folder = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
    return file
  }
}
