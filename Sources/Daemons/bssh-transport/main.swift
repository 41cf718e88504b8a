import Glibc
import System

// bssh-transport: one SSH connection, in a process without privileges. Started by bssh-supervisor, which is at the
// other end of descriptors 3 (from it) and 4 (to it).
ThisProcess.setName("bssh-transport")
exit(TransportProcess.run(control: 3).rawValue)
