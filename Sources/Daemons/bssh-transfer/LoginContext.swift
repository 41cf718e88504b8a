import FileTransfer
import Filter
import Glibc
import IPC
import System
import Wire

/// Why a transfer that a session started cannot be served; for the client's standard error.
struct LoginContextError: Error, CustomStringConvertible {
  let description: String
}

/// What the session that started this process hands over: the settings of the login in sealed memory on descriptor 3,
/// and a socket on descriptor 4 for reports.
struct LoginContext {
  /// What the login may do; options of a forced command can only restrict it further.
  var settings: TransferSettings
  /// Sends events and notes to the session.
  let report: TransferReport

  /// Reads the settings, takes ownership of descriptors 3 and 4, and puts this process under the limits of the
  /// settings: umask, largest file, no new privileges, no access by other processes.
  ///
  /// - Throws: `LoginContextError` when descriptor 3 is not sealed memory, the settings cannot be decoded or a limit
  ///   cannot be set.
  static func receive() throws(LoginContextError) -> LoginContext {
    let memory = Descriptor(owning: 3)
    let socket = MessageSocket(Descriptor(owning: 4))
    guard memory.isSealedMemory else {
      throw LoginContextError(
        description: "descriptor 3 is not sealed memory; bssh-session starts this with --settings")
    }
    do throws(SystemError) {
      try Hardening.becomeUnobservable()
      try Hardening.gainNoPrivileges()
      SignalSource.ignoreBrokenPipes()
      let settings = try read(memory)
      if let umask = settings.umask { ThisProcess.setUmask(umask) }
      // The kernel refuses to exceed the limit, by whatever call.
      SignalSource.ignoreFileSizes()
      if let limit = settings.maxFileSize { try ResourceLimit.fileSize(limit).apply() }
      _ = try ResourceLimit.raiseOpenFiles()
      return LoginContext(
        settings: settings,
        report: TransferReport(socket, verbose: settings.tellsReadsAndWrites))
    } catch {
      TransferReport(socket).log("the transfer cannot begin: \(error)")
      throw LoginContextError(description: "\(error)")
    }
  }

  /// The files that the login may access, with the rules as gate, and this process confined to them.
  ///
  /// - Throws: `LoginContextError` when the root cannot be entered; the session gets a note with the reason.
  func files() throws(LoginContextError) -> RootedFileSystem {
    let filter = settings.filter
    let asksForGroups = filter.isEnabled && filter.rules.contains { !$0.groups.isEmpty }
    let names = AccountNames()
    let own = asksForGroups ? ThisProcess.groups.map { String(decoding: names.group($0), as: UTF8.self) } : []
    let report = report
    let gate = FilterGate(filter, user: settings.user, groups: own + settings.groups) { operation, paths, rule in
      report.record(operation, paths, rule: rule)
    }
    do throws(FileError) {
      let files = try RootedFileSystem(
        root: settings.root.isEmpty ? nil : settings.root, isReadOnly: settings.readOnly, gate: gate,
        observer: report)
      if !files.exposed.isEmpty, !settings.isDaemonsUser {
        report.log(
          "warning: not only root can replace the root \(settings.root), below \(files.exposed.joined(separator: ", "))"
        )
      }
      try files.closeOff()
      return files
    } catch {
      let root = settings.root.isEmpty ? "/" : settings.root
      report.log("the root \(root) cannot be entered: \(error)")
      throw LoginContextError(description: "the root of this login cannot be entered")
    }
  }

  private static func read(_ memory: Descriptor) throws(SystemError) -> TransferSettings {
    let bytes = try memory.sealedMessage(limit: TransferSettings.sizeLimit)
    do throws(WireError) {
      return try TransferSettings(wireBytes: bytes[...])
    } catch {
      throw SystemError("read settings: \(error)", code: EBADMSG)
    }
  }
}
