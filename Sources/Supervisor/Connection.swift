import AccessControl
import System

/// A connection: what decides about it, and what belongs to it.
final class Connection {
  /// Never given twice.
  let number: UInt64
  /// Where it comes from.
  let client: IPAddress
  var machine: ConnectionMachine
  /// It has not logged in yet, and counts among those.
  var isStarting = true
  /// The client's socket, until a transport has it.
  var socket: Descriptor?
  var transport: Child?
  var session: Child?
  /// The user whose login this is, as far as it counts.
  var countedUser: String?
  /// Looks the account up in shadow(5).
  var accountCheck: Child?
  /// The authorized_keys that were found, sealed.
  var keyMemory: Descriptor?

  /// A socket over which the file of a recording comes to the transport, until that has it.
  var recording: Descriptor?
  /// Recordings so far, for their names.
  var recordingCount = 0
  /// Its terminals in the login records.
  var terminals = TerminalBook()

  init(number: UInt64, client: IPAddress, machine: ConnectionMachine, socket: Descriptor) {
    self.number = number
    self.client = client
    self.machine = machine
    self.socket = socket
  }
}
