import Configuration

/// A machine without faults; tests change what they need.
func machine(files: [String: HostEnvironment.File] = [:]) -> HostEnvironment {
  HostEnvironment(
    read: { path, limit in
      guard let file = files[path] else { return .failure(.init(reason: "No such file or directory")) }
      return file.bytes.count <= limit ? .success(file) : .failure(.init(reason: "too long"))
    },
    parse: { _, path in .failure(Diagnostic(source: .file(path), key: "", reason: "no YAML in these tests")) },
    hostKey: { path in
      switch path {
      case "/k/rsa": .usable(algorithms: ["rsa-sha2-512", "rsa-sha2-256"])
      case "/k/bad": .unusable("'/k/bad' can be read by others; 'chmod 600 /k/bad' prevents that")
      case "/k/none": .unusable("'/k/none' does not exist")
      default: .usable(algorithms: ["ssh-ed25519"])
      }
    },
    revocationFault: { $0.starts(with: "bad".utf8) ? "line 1 is no key" : nil },
    accountExists: { $0 == "alice" },
    isExecutable: { $0 != "/bin/missing" },
    isRoot: false, ownAccount: "www-data")
}

/// `true`, `12`, `word`: a scalar without quotes.
func plain(_ text: String) -> Node { Node(.scalar(text, plain: true)) }

func quotedText(_ text: String) -> Node { Node(.scalar(text, plain: false)) }

func list(_ items: Node...) -> Node { Node(.sequence(items)) }

func mapping(_ entries: KeyValuePairs<String, Node>) -> Node {
  Node(.mapping(entries.map { .init(key: $0.key, position: nil, value: $0.value) }))
}

/// A tree that sets `path` to `node`.
func tree(_ path: String, _ node: Node) -> Node {
  path.split(separator: ".").reversed().reduce(node) { mapping([String($1): $0]) }
}

/// Loads a file, with a host key from an option unless `hostKey` is nil.
func load(
  _ root: Node? = nil, environment: KeyValuePairs<String, String> = [:], options: [(String, [String])] = [],
  hostKey: String? = "/k/ed25519", readableByOthers: Bool = false, on hostEnvironment: HostEnvironment = machine()
) throws(Rejected) -> Loaded {
  try Loader(
    file: root.map { .init(name: "f.yaml", root: $0, isReadableByOthers: readableByOthers) },
    environment: environment.map { ($0.key, $0.value) },
    options: options.map { ($0.0, $0.1) } + (hostKey.map { [("-k", [$0])] } ?? [])
  ).load(in: hostEnvironment)
}

/// The errors of loading, as they are printed.
func complaints(
  _ root: Node? = nil, environment: KeyValuePairs<String, String> = [:], options: [(String, [String])] = [],
  hostKey: String? = "/k/ed25519", on hostEnvironment: HostEnvironment = machine()
) -> [String] {
  do throws(Rejected) {
    _ = try load(root, environment: environment, options: options, hostKey: hostKey, on: hostEnvironment)
    return []
  } catch { return error.problems.map(\.description) }
}

/// The defaults, with the host key of ``load(_:environment:options:hostKey:readableByOthers:on:)``.
var defaults: Settings {
  var settings = Settings()
  settings.server.hostKeys = ["/k/ed25519"]
  // Without root's privileges and a home directory, bans are not saved.
  settings.security.banStateFile = nil
  return settings
}
