import Glibc
import System
import Zygote

// Started by the supervisor with descriptor 3 as the socket to it: the zygote of session processes. Or by a session, to
// run a user's file before a shell.
let arguments = ThisProcess.arguments.dropFirst()
if arguments.first == UserRC.argument { exit(UserRC.run(Array(arguments.dropFirst())).rawValue) }
exit(SessionProcess.start(control: 3).rawValue)
