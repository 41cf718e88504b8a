import System

/// A connection: what decides about it, and what belongs to it.
final class Connection {
  /// Never given twice.
  let number: UInt64
  var machine: ConnectionMachine
  /// The client's socket, until a transport has it.
  var socket: Descriptor?
  var transport: Child?
  var session: Child?
  /// The authorized_keys that were found, sealed.
  var keyMemory: Descriptor?

  init(number: UInt64, machine: ConnectionMachine, socket: Descriptor) {
    self.number = number
    self.machine = machine
    self.socket = socket
  }
}
