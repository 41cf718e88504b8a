import FileTransfer
import Glibc
import System

// Started for one channel, as its user: the protocol is on standard input and output. With --settings the session
// says what the login may do. Without a protocol's name it is the SFTP server, as sftp-server(8) is.
ThisProcess.setName("bssh-transfer")
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.starts(with: ["scp", "--settings"]) { exit(GivenSCP.run()) }
if arguments.first == "scp" { exit(SCPSubcommand.run()) }
if arguments.starts(with: ["sftp", "--settings"]) { exit(GivenSFTP.run(Array(arguments.dropFirst(2))).rawValue) }
exit(SFTPCommand.run(arguments.first == "sftp" ? Array(arguments.dropFirst()) : arguments).rawValue)
