import Audit
import Glibc
import IPC
import JournalReader
import System
import Wire

/// The main function of bssh-exporter: reads its settings, drops privileges, and runs the ``ExportLoop``.
enum ExporterProcess {
  /// Runs until the exporter ends. It takes ownership of both descriptors: sealed memory with the settings, and the
  /// directory of the journal.
  static func run(settings: Int32, directory: Int32) -> ExitCode {
    SignalSource.ignoreBrokenPipes()
    let link = SupervisorLink(MessageSocket.toSupervisor())
    do {
      try Hardening.becomeUnobservable()
      try Hardening.gainNoPrivileges()
      try Hardening.forbidProgramsAndListening()
      let memory = Descriptor(owning: settings)
      let given = try ExporterSettings(wireBytes: memory.sealedMessage(limit: ExporterSettings.sizeLimit)[...])
      let signals = try SignalSource([SIGTERM])
      let folder = Descriptor(owning: directory)
      let cursors = try CursorFile(in: folder, journal: given.journal, exporter: given.name)
      let lock = try cursors.lock()
      defer { withExtendedLifetime(lock) {} }
      if try !confine(to: cursors.directory, journal: folder) {
        link.log("\(Hardening.missingLandlock): files are protected by their permissions alone", isProblem: true)
      }
      let loop = try CurlLoop()
      var sources: [ExportLoop.Source] = []
      for series in JournalSeries.allCases {
        sources.append(
          ExportLoop.Source(
            JournalFollower(JournalDirectory(series.path(of: given.journal), in: folder), series),
            try DirectoryWatch(folder),
            try CursorFile(in: folder, journal: given.journal, series, exporter: given.name)))
      }
      let exportLoop = try ExportLoop(
        sources, receiver: receiver(given, loop),
        link: link, loop: loop, signals: signals)
      try exportLoop.run()
      return .success
    } catch {
      link.log("cannot go on: \(error)", isProblem: true)
      return error is WireError ? .protocolError : .systemError
    }
  }

  private static func receiver(_ settings: ExporterSettings, _ loop: CurlLoop) throws -> any Receiver {
    switch settings.receiver {
    case .logstash(let logstash): LogstashReceiver(logstash, batchSize: Int(settings.batchSize), loop: loop)
    case .otel(let otel): try OTLPReceiver(otel, batchSize: Int(settings.batchSize), loop: loop)
    case .syslog(let syslog): SyslogReceiver(syslog, batchSize: Int(settings.batchSize))
    }
  }

  /// Restricts writing to the cursors, and reading to the journal and what is needed to resolve and verify a receiver:
  /// resolver configuration, libraries, and the system's CA certificates.
  private static func confine(to cursors: Descriptor, journal: Descriptor) throws(SystemError) -> Bool {
    try Hardening.confineFiles(
      to: cursors, mayChange: true, opened: [journal],
      readable: [
        "/etc", "/lib", "/lib64", "/usr/lib", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
        "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/proc/self",
      ])
  }
}
