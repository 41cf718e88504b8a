import Glibc
import System

/// Runs the command.
func perform(_ arguments: Arguments, anyCommand: Bool) throws(Failure) {
  if arguments.has("version"), !arguments.has("help") { return try Output.write("bssh-server \(version)\n") }
  if arguments.has("help") {
    if anyCommand, let group = arguments.group { return try Output.write(Help.text(ofGroup: group)) }
    return try Output.write(anyCommand ? Help.overall : Help.text(of: arguments.command))
  }
  switch arguments.command {
  case .run: try RunCommand.run(arguments)
  case .load: try RunCommand.load(arguments)
  case .reload: try ReloadCommand.run(arguments)
  case .saveBans: try SaveBans.run(arguments)
  case .openJournal: try OpenJournal.run(arguments)
  case .checkConfig: try CheckConfig.run(arguments)
  case .genConfig: try GenConfig.run(arguments)
  case .genHostKey: try GenHostKey.run(arguments)
  case .hashPassword: try HashPassword.run()
  case .totpSetup: try TOTPSetup.run(arguments)
  case .explain: try ExplainCommand.run(arguments)
  case .replay: try ReplayCommand.run(arguments)
  case .auditTail: try AuditCommand.tail(arguments)
  case .auditGrep: try AuditCommand.grep(arguments)
  case .auditShow: try AuditShow.run(arguments)
  case .auditVerify: try AuditVerify.run(arguments)
  case .auditStats: try AuditStats.run(arguments)
  case .auditLast: try AuditLast.logins(arguments)
  case .auditLastb: try AuditLast.refusals(arguments)
  case .version: try Output.write(VersionCommand.text)
  }
}

ThisProcess.setName("bssh-server")
SignalSource.ignoreBrokenPipes()
do throws(Failure) {
  let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
  try perform(arguments, anyCommand: !arguments.isCommandNamed)
} catch {
  Output.complain(error.lines)
  exit(error.code.rawValue)
}
