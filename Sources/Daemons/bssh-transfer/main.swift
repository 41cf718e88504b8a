import FileTransfer
import Glibc
import System

// One process for one channel, as the user of the login; standard input and output carry the protocol. With --settings,
// the session hands over what the login may do. Without the name of a protocol this is an SFTP server: sftp-server(8).
ThisProcess.setName("bssh-transfer")
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.starts(with: ["scp", "--settings"]) { exit(ConfinedSCP.run()) }
if arguments.first == "scp" { exit(SCPSubcommand.run()) }
if arguments.starts(with: ["sftp", "--settings"]) { exit(ConfinedSFTP.run(Array(arguments.dropFirst(2))).rawValue) }
exit(SFTPCommand.run(arguments.first == "sftp" ? Array(arguments.dropFirst()) : arguments).rawValue)
