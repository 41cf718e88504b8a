import Glibc
import System
import Zygote

// Started by the supervisor with descriptor 3 as the socket to it: the zygote of session processes.
exit(SessionProcess.start(control: 3).rawValue)
