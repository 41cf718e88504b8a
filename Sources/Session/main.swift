import Glibc
import System
import Zygote

// Started by the supervisor with descriptors 3 and 4 as the ways from and to it: the zygote of session processes, or what speaks with
// systemd for it. Or in the place of a supervisor that has handed over. Or by a session, to run a user's file before a shell.
ThisProcess.setName("bssh-session")
let arguments = ThisProcess.arguments.dropFirst()
if arguments.first == UserRC.argument { exit(UserRC.run(Array(arguments.dropFirst())).rawValue) }
if arguments.first == HandOver.argument { exit(HandOver.run(Array(arguments.dropFirst())).rawValue) }
if arguments.first == ScopeService.argument { exit(ScopeService.run(control: 3).rawValue) }
exit(SessionProcess.start(control: 3).rawValue)
