import IPC
import Wire

extension Checks {
  /// Determines the path of the journal, reads the files that exporters name, and checks combinations of keys.
  mutating func settle(_ audit: inout Settings.Audit, stateDirectory: String?) {
    let key = "audit.exporters"
    for index in audit.exporters.indices {
      switch audit.exporters[index] {
      case .file(var file):
        if audit.exporters[..<index].contains(where: { $0.kind == .file }) {
          problem(key, index: index, "a second file; there is only one journal")
        }
        if file.path == nil, !hostEnvironment.isRoot { file.path = stateDirectory.map { $0 + "/bssh/audit.log" } }
        audit.exporters[index] = .file(file)
      case .logstash(var logstash):
        if logstash.tls.isEnabled {
          read(&logstash.tls, index)
        } else if logstash.tls != TLSSettings() {
          warning(key, index: index, "tls has no effect: enabled is false")
        }
        audit.exporters[index] = .logstash(logstash)
      case .otel(var otel):
        if otel.endpoint.hasPrefix("https:") {
          read(&otel.tls, index)
        } else if otel.tls != TLSSettings() {
          warning(key, index: index, "tls has no effect: the endpoint does not begin with https://")
        }
        audit.exporters[index] = .otel(otel)
      case .syslog: break
      }
    }
    if !audit.exporters.contains(where: { $0.kind == .file }), !hostEnvironment.isRoot, let stateDirectory {
      var file = Settings.Audit.File()
      file.path = stateDirectory + "/bssh/audit.log"
      audit.exporters.append(.file(file))
    }
    checkTogether(audit)
    if let file, file.isReadableByOthers, audit.hasHeaders {
      warning(
        key, "\(quoted(file.name)) contains headers and can be read by others; 'chmod 600 \(file.name)' prevents that")
    }
  }

  private mutating func checkTogether(_ audit: Settings.Audit) {
    if audit.batchSize > audit.bufferSize {
      problem("audit.batch_size", "\(audit.batchSize) is more than audit.buffer_size, which is \(audit.bufferSize)")
    }
    switch audit.onFailure {
    case .refuse where audit.rescueUsers.isEmpty:
      warning(
        "audit.on_failure",
        "when events cannot be written, nobody can log in to repair the server: see audit.rescue_users")
    case .continue where !audit.rescueUsers.isEmpty:
      warning("audit.rescue_users", "has no effect: audit.on_failure is continue")
    case .refuse, .continue: break
    }
  }

  private mutating func read(_ tls: inout TLSSettings, _ index: Int) {
    let key = "audit.exporters"
    tls.authorities = pem(tls.authoritiesFile, "CERTIFICATE", index)
    tls.certificate = pem(tls.certificateFile, "CERTIFICATE", index)
    tls.key = pem(tls.keyFile, "PRIVATE KEY", index).map { SecretBytes($0) }
    if (tls.certificateFile == nil) != (tls.keyFile == nil) {
      problem(key, index: index, "tls needs both certificate and key")
    }
    if !tls.verifies {
      warning(key, index: index, "tls.verify is false: the receiver is not authenticated")
    }
  }

  /// The content of a PEM file that contains at least one block with this label. RFC 7468
  private mutating func pem(_ path: String?, _ label: String, _ index: Int) -> [UInt8]? {
    guard let path else { return nil }
    let isKey = label == "PRIVATE KEY"
    let key = "audit.exporters"
    switch hostEnvironment.read(path, 1 << 20) {
    case .failure(let unreadable):
      self.unreadable(path, unreadable, key, index: index)
      return nil
    case .success(let file):
      guard trust(file, path, key, index: index) else { return nil }
      if isKey, file.isReadableByOthers {
        problem(key, index: index, "\(quoted(path)) is accessible to others; 'chmod 600 \(path)' makes it private")
      }
      let begins = String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        .filter { $0.hasPrefix("-----BEGIN ") && $0.hasSuffix("\(label)-----") }
      if begins.isEmpty { problem(key, index: index, "\(quoted(path)) contains no \(label) in PEM") }
      if isKey, begins.contains(where: { $0.contains("ENCRYPTED") }) {
        problem(key, index: index, "\(quoted(path)) is encrypted, and its passphrase cannot be entered")
      }
      return file.bytes
    }
  }
}
