import Glibc
import System

// The process that holds the host keys, and judges who may log in. Descriptor 3 leads to the supervisor.
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  let supervisor = MessageSocket(Descriptor(owning: 3))
  try Service.run(supervisor)
} catch {
  var log = Log(threshold: .error, style: .plain)
  log.write(.error, "bssh-authority: \(error)")
  exit(ExitCode.software.rawValue)
}
