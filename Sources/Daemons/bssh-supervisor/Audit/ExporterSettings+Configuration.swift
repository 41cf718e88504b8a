import Configuration
import IPC

extension Settings.Audit {
  /// The default socket of the system's log.
  private static let usualLog = SyslogSettings().socket
  /// The socket on which journald accepts entries in its native protocol. systemd-journald.service(8)
  private static let journaldSocket = "/run/systemd/journal/socket"

  /// The settings of each bssh-exporter: one for each receiver, without the file of the journal. Identical receivers get
  /// distinct names.
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
      let host = logstash.host.contains(":") ? "[\(logstash.host)]" : logstash.host
      return ("logstash \(host):\(logstash.port)", .logstash(logstash))
    case .otel(let otel): return ("otel \(otel.endpoint)", .otel(otel))
    case .syslog(var syslog):
      if syslog.socket == Self.usualLog { syslog.journalSocket = Self.journaldSocket }
      return ("syslog \(syslog.socket)", .syslog(syslog))
    }
  }
}
