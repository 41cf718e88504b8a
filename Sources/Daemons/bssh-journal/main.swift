import Glibc
import IPC
import System

// bssh-journal: writes the journal. Descriptor 3 leads from the supervisor, descriptor 4 to it.
ThisProcess.setName("bssh-journal")
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndSockets()
  ThisProcess.setUmask(0o077)
  var service = JournalProcess(MessageSocket.toSupervisor())
  exit(service.run().rawValue)
} catch {
  var log = Log(threshold: .error, style: .bare)
  log.write(.error, "\(error)")
  exit(ExitCode.software.rawValue)
}
