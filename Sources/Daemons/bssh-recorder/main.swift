import Glibc
import IPC
import System

// bssh-recorder: creates the files of recordings and writes login records. Descriptor 3 leads from the supervisor,
// descriptor 4 to it.
ThisProcess.setName("bssh-recorder")
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndSockets()
  ThisProcess.setUmask(0o077)
  var service = RecorderProcess(MessageSocket.toSupervisor())
  service.run()
} catch {
  var log = Log(threshold: .error, style: .bare)
  log.write(.error, "\(error)")
  exit(ExitCode.software.rawValue)
}
