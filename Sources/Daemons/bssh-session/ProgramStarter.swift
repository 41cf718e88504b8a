import IPC
import System
import Wire

/// A running program, and what the transport gets of it.
struct StartedProgram {
  let process: ChildProcess
  /// As `SessionToTransport.started` needs them.
  let descriptors: [Descriptor]
  /// Why it does not run in the user's home directory; nil: it does.
  let complaint: String?
  /// Where `bssh-transfer` reports its operations; nil for shells and commands.
  let report: MessageSocket?
}

/// Starts shells, commands and file transfers as the user.
struct ProgramStarter {
  /// Limit of the text of `shell.motd`, in bytes.
  static let motdLimit = 64 << 10
  /// Wanted size of a program's pipes in bytes, so that large transfers need few wake-ups.
  static let pipeCapacity = 256 << 10

  private let login: Login
  private let environment: LoginEnvironment
  private let limits: [ResourceLimit]
  private let transfer: Executable

  /// Starts the programs of one login.
  ///
  /// - Parameters:
  ///   - login: the login.
  ///   - limits: resource limits of the programs that differ from this process's.
  ///   - transfer: the executable that serves file transfers.
  init(_ login: Login, limits: [ResourceLimit], transfer: Executable) {
    self.login = login
    self.limits = limits
    self.transfer = transfer
    environment = LoginEnvironment(login: login, timeZone: ProcessEnvironment.value(of: "TZ"))
  }

  /// The login shell.
  var shell: String { login.shell }

  /// Starts a program as the leader of a session of its own. With a terminal, that becomes the controlling terminal,
  /// and this process closes the programs' side of it.
  ///
  /// - Throws: `SystemError` with E2BIG when arguments and environment exceed the kernel's limit; otherwise with the
  ///   errno of the call that failed.
  func start(
    _ program: Program, _ preparation: SessionChannel.Preparation, _ terminal: Terminal?
  ) throws(SystemError) -> StartedProgram {
    var request = try request(program, preparation, terminal)
    // The program inherits the working directory, because a failure of chdir(2) between fork(2) and execve(2) could not
    // be shown to the user.
    let complaint = enterHome()
    defer { try? ThisProcess.enter("/") }
    if let terminal, let slave = terminal.slave {
      try slave.setNonBlocking()
      if program == .shell { offer(motd(), to: slave) }
      offer(Array((complaint ?? "").utf8), to: slave)
      try slave.setNonBlocking(false)
      request.descriptors = [slave, slave, slave]
      request.controllingTerminal = true
      let process = try ChildProcess(request)
      terminal.closeSlave()
      let master = try terminal.master.duplicate()
      try master.setNonBlocking()
      return StartedProgram(process: process, descriptors: [master], complaint: complaint, report: nil)
    }
    let settings = settings(of: program)
    // Programs get pipes, as from a shell, because some treat sockets differently; our transfer program does not.
    let (input, output) = settings == nil ? (try pipe(), try pipe()) : (try socketPair(), try socketPair())
    let errors = try Descriptor.pipe()
    let ours = [input.writer, output.reader, errors.reader]
    for end in ours { try end.setNonBlocking() }
    // This fits into an empty pipe, since a path has at most 4,096 bytes.
    if let complaint { _ = try errors.writer.write(Array(complaint.utf8)[...]) }
    request.descriptors = [input.reader, output.writer, errors.writer]
    var report: MessageSocket?
    if let settings {
      let (ours, theirs) = try MessageSocket.pair()
      let memory = try Descriptor.sealedMessage(name: "transfer settings", settings.wireBytes)
      request.descriptors += [memory, theirs.descriptor]
      report = ours
    }
    return StartedProgram(
      process: try ChildProcess(request), descriptors: ours, complaint: complaint, report: report)
  }

  /// The descriptors for the transport when no program runs: a message on standard error, and nothing else.
  ///
  /// - Throws: `SystemError` when no descriptor is free.
  static func ends(saying words: String) throws(SystemError) -> [Descriptor] {
    let (input, output, errors) = (try Descriptor.pipe(), try Descriptor.pipe(), try Descriptor.pipe())
    let ours = [input.writer, output.reader, errors.reader]
    for end in ours { try end.setNonBlocking() }
    _ = try errors.writer.write(Array(words.utf8)[...])
    return ours
  }

  private typealias Ends = (reader: Descriptor, writer: Descriptor)

  private func pipe() throws(SystemError) -> Ends {
    let ends = try Descriptor.pipe()
    ends.writer.growPipe(to: ProgramStarter.pipeCapacity)
    return ends
  }

  private func socketPair() throws(SystemError) -> Ends {
    let ends = try Descriptor.streamPair()
    return (ends.0, ends.1)
  }

  private func request(
    _ program: Program, _ preparation: SessionChannel.Preparation, _ terminal: Terminal?
  ) throws(SystemError) -> ChildProcess.Request {
    let shell = login.shell
    let name = String(shell.split(separator: "/").last ?? "sh")
    var request: ChildProcess.Request
    var original: [UInt8]?
    switch program {
    case .shell: request = ChildProcess.Request(path: shell, arguments: ["-" + name], descriptors: [])
    case .command(let command):
      request = ChildProcess.Request(path: shell, arguments: [name, "-c"], descriptors: [])
      request.argumentBytes = [command]
    case .forced(let forced):
      request = ChildProcess.Request(path: shell, arguments: [name, "-c"], descriptors: [])
      request.argumentBytes = [forced.line]
      original = forced.wanted.originalCommand
    case .sftp: request = transfer("sftp")
    case .forcedSFTP(let words):
      request = transfer("sftp")
      request.argumentBytes = words
    case .scp(let command):
      request = transfer("scp")
      request.argumentBytes = [command]
    }
    // The client's variables are only for programs that the user runs.
    let variables = environment.variables(
      accepted: settings(of: program) == nil ? preparation.environment : [],
      terminal: terminal.map { ($0.name, preparation.terminal?.term ?? []) }, originalCommand: original)
    request.environmentBytes = variables.map(\.assignment)
    if UserRC.isWanted(before: program, of: login) { try UserRC.wrap(&request, home: login.account.home) }
    request.newSession = true
    request.limits = limits
    request.umask = login.umask & 0o777
    return request
  }

  private func transfer(_ protocolName: String) -> ChildProcess.Request {
    ChildProcess.Request(transfer, arguments: ["bssh-transfer", protocolName, "--settings"], descriptors: [])
  }

  private func settings(of program: Program) -> TransferSettings? {
    switch program {
    case .shell, .command, .forced: nil
    case .sftp, .forcedSFTP: login.sftp
    case .scp: login.scp
    }
  }

  private func enterHome() -> String? {
    let home = login.account.home
    do throws(SystemError) {
      try ThisProcess.enter(home)
      return nil
    } catch {
      try? ThisProcess.enter("/")
      return "Could not chdir to home directory \(home): \(SystemError.message(error.code))\n"
    }
  }

  private func motd() -> [UInt8] {
    guard !login.motd.isEmpty, !FileStatus.exists(login.account.home + "/.hushlogin"),
      let file = try? Descriptor.openUntrusted(login.motd), (try? file.status())?.kind == .regular
    else { return [] }
    return (try? file.read(count: ProgramStarter.motdLimit, at: 0)) ?? []
  }

  /// Writes what the terminal accepts while nobody reads yet.
  private func offer(_ bytes: [UInt8], to terminal: Descriptor) {
    var rest = bytes[...]
    while !rest.isEmpty, case .bytes(let count) = try? terminal.write(rest) { rest = rest.dropFirst(count) }
  }
}
