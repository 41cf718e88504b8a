import Glibc
import IPC
import System

// bssh-journal: writes the journal or, with the argument `records`, recordings and login records. Descriptor 3 leads
// from the supervisor, descriptor 4 to it.
ThisProcess.setName("bssh-journal")
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndSockets()
  ThisProcess.setUmask(0o077)
  let supervisor = MessageSocket.toSupervisor()
  if CommandLine.arguments.dropFirst().first == "records" {
    var service = RecorderService(supervisor)
    service.run()
  } else {
    var service = JournalService(supervisor)
    exit(service.run().rawValue)
  }
} catch {
  var log = Log(threshold: .error, style: .bare)
  log.write(.error, "\(error)")
  exit(ExitCode.software.rawValue)
}
