import Glibc
import System

// bssh-authority: holds the host keys and verifies credentials. Descriptor 3 leads from the supervisor, descriptor 4 to
// it.
var log = Log(threshold: .warning, style: .bare)
ThisProcess.setName("bssh-authority")
do {
  try Hardening.becomeUnobservable()
  try Hardening.gainNoPrivileges()
  try Hardening.forbidProgramsAndListening()
  // Directories that NSS modules read. Nothing can be changed, and users' files cannot be read.
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
