import AccessControl
import System

/// A connection: what decides about it, and what belongs to it.
final class Connection {
  /// Never given twice.
  let number: UInt64
  /// Where it comes from.
  let client: IPAddress
  var machine: ConnectionMachine
  /// Recorders were told of it as of a login.
  var isRecordable = false
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

  init(number: UInt64, client: IPAddress, machine: ConnectionMachine, socket: Descriptor) {
    self.number = number
    self.client = client
    self.machine = machine
    self.socket = socket
  }
}
