import Glibc
import IPC
import System

// The process that writes the journal, or, with the word `records`, that of recordings and login records. Descriptor 3
// leads to the supervisor.
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndSockets()
  ThisProcess.setUmask(0o077)
  let supervisor = MessageSocket(Descriptor(owning: 3))
  if CommandLine.arguments.dropFirst().first == "records" {
    var service = RecorderService(supervisor)
    service.run()
  } else {
    var service = JournalService(supervisor)
    service.run()
  }
} catch {
  var log = Log(threshold: .error, style: .plain)
  log.write(.error, "bssh-journal: \(error)")
  exit(ExitCode.software.rawValue)
}
