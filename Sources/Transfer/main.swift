import FileTransfer
import Glibc
import System

// Started for one channel, as its user: the protocol is on standard input and output. Without a protocol's name it is
// the SFTP server, as sftp-server(8) is.
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "scp" { exit(SCPSubcommand.run()) }
exit(SFTPCommand.run(arguments.first == "sftp" ? Array(arguments.dropFirst()) : arguments).rawValue)
