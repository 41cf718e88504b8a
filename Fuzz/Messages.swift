import IPC
import Model
import Wire

/// Messages between processes; the first byte selects the type. What is decoded is encoded so that it decodes the same.
func fuzz(_ bytes: [UInt8]) {
  guard let kind = bytes.first else { return }
  let message = bytes.dropFirst()
  switch kind % 14 {
  case 0: check(TransportToSupervisor.self, message)
  case 1: check(SupervisorToTransport.self, message)
  case 2: check(SessionToTransport.self, message)
  case 3: check(TransportToSession.self, message)
  case 4: check(SupervisorToAuthority.self, message)
  case 5: check(AuthorityToSupervisor.self, message)
  case 6: check(SupervisorToSession.self, message)
  case 7: check(SessionToSupervisor.self, message)
  case 8: check(LoaderResult.self, message)
  case 9: check(AuthorityStart.self, message)
  case 10: check(TransportSettings.self, message)
  case 11: check(SupervisorToZygote.self, message)
  case 12: check(ZygoteToSupervisor.self, message)
  default: check(Login.self, message)
  }
}

private func check<Message: WireCodable & Equatable>(_ type: Message.Type, _ bytes: ArraySlice<UInt8>) {
  guard let message = try? Message(wireBytes: bytes) else { return }
  if case .request(_, .terminal(_, _, _, _, _, let modes))? = message as? TransportToSession {
    precondition(TerminalModes(modes).modes.count <= modes.count / 5)
  }
  guard let again = try? Message(wireBytes: message.wireBytes[...]) else {
    preconditionFailure("\(type) does not read what it wrote")
  }
  precondition(message == again)
}
