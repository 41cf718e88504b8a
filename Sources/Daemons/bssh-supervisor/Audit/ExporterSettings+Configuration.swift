import Configuration
import IPC
import Wire

extension Settings.Audit {
  /// Where the system's log is, unless something else is said.
  private static let usualLog = Syslog().socket
  /// Where journald takes entries in its own form. systemd-journald.service(8)
  private static let journaldSocket = "/run/systemd/journal/socket"

  /// What each bssh-exporter is told: one for each receiver that is not the journal's file. Of two that are the same,
  /// each has a name of its own.
  var exporterSettings: [ExporterSettings] {
    guard enabled else { return [] }
    var result: [ExporterSettings] = []
    for exporter in exporters {
      guard let (name, receiver) = receiver(of: exporter) else { continue }
      let like = result.count { $0.name == name || $0.name.hasPrefix(name + " (") }
      result.append(
        ExporterSettings(
          name: like == 0 ? name : "\(name) (\(like + 1))", journal: journalPath, batchSize: UInt32(batchSize),
          receiver: receiver))
    }
    return result
  }

  private func receiver(of exporter: Exporter) -> (name: String, receiver: ExporterSettings.Receiver)? {
    switch exporter {
    case .file: return nil
    case .logstash(let logstash):
      let settings = LogstashSettings(
        host: logstash.host, port: logstash.port, tls: logstash.tls.enabled ? logstash.tls.given : nil,
        timeout: UInt32(logstash.timeout))
      let host = logstash.host.contains(":") ? "[\(logstash.host)]" : logstash.host
      return ("logstash \(host):\(logstash.port)", .logstash(settings))
    case .otel(let otel):
      let transport: OTelSettings.Transport =
        switch otel.transport {
        case .grpc: .grpc
        case .httpProtobuf: .httpProtobuf
        case .httpJSON: .httpJSON
        }
      let settings = OTelSettings(
        endpoint: otel.endpoint, transport: transport,
        headers: otel.headers.map { .init(name: $0.name, value: SecretBytes(Array($0.value.utf8))) },
        resource: otel.resource.map { .init(name: $0.name, value: $0.value) }, tls: otel.tls.given,
        compression: otel.compression == .gzip, timeout: UInt32(otel.timeout))
      return ("otel \(otel.endpoint)", .otel(settings))
    case .syslog(let syslog):
      let settings = SyslogSettings(
        facility: syslog.facility.number, journalSocket: syslog.socket == Self.usualLog ? Self.journaldSocket : nil,
        socket: syslog.socket)
      return ("syslog \(syslog.socket)", .syslog(settings))
    }
  }
}

extension Settings.Audit.TLS {
  fileprivate var given: TLSSettings {
    TLSSettings(authorities: ca, certificate: certificate, key: key.map { SecretBytes($0) }, verifies: verify)
  }
}

extension Settings.Audit.Syslog.Facility {
  /// RFC 5424, section 6.2.1
  fileprivate var number: UInt8 {
    switch self {
    case .user: 1
    case .daemon: 3
    case .auth: 4
    case .authpriv: 10
    case .local0: 16
    case .local1: 17
    case .local2: 18
    case .local3: 19
    case .local4: 20
    case .local5: 21
    case .local6: 22
    case .local7: 23
    }
  }
}
