import Glibc
import System
import Zygote

// Modes: started by the supervisor with descriptors 3 (from it) and 4 (to it), the zygote of session processes, or the
// process that talks to systemd; in place of a supervisor that has handed over; started by a session, to run a user's
// file before a shell.
ThisProcess.setName("bssh-session")
let arguments = ThisProcess.arguments.dropFirst()
if arguments.first == UserRC.argument { exit(UserRC.run(Array(arguments.dropFirst())).rawValue) }
if arguments.first == HandOver.argument { exit(HandOver.run(Array(arguments.dropFirst())).rawValue) }
if arguments.first == ScopeProcess.argument { exit(ScopeProcess.run(control: 3).rawValue) }
exit(SessionProcess.start(control: 3).rawValue)
