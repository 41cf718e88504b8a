import Glibc
import System

// The process that holds the host keys, and judges who may log in. Descriptor 3 leads from the supervisor, descriptor 4 to
// it.
var log = Log(threshold: .warning, style: .bare)
ThisProcess.setName("bssh-authority")
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndListening()
  // What name services read. Nothing is changed, and no user's file read.
  let places = ["/usr", "/lib", "/lib64", "/run", "/var/lib", "/var/run", "/var/db", "/opt", "/dev", "/proc"]
  if try !Hardening.confineFiles(to: Descriptor.findDirectory("/etc"), mayChange: false, readable: places) {
    log.write(.warning, Hardening.missingLandlock)
  }
  let supervisor = MessageSocket.toSupervisor()
  try Service.run(supervisor)
} catch {
  log.write(.error, "\(error)")
  exit(ExitCode.software.rawValue)
}
