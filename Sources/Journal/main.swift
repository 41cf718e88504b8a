import Glibc
import IPC
import System

// The process that writes the journal. Descriptor 3 leads to the supervisor.
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndSockets()
  ThisProcess.setUmask(0o077)
  var service = JournalService(MessageSocket(Descriptor(owning: 3)))
  service.run()
} catch {
  var log = Log(threshold: .error, style: .plain)
  log.write(.error, "bssh-journal: \(error)")
  exit(ExitCode.software.rawValue)
}
