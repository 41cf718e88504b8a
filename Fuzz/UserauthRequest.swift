import Authentication

/// A connection's authentication messages, each with a byte that says what it is and one for its length: no path leads
/// to a login but an accepted verdict on a signature or password.
func fuzz(_ bytes: [UInt8]) {
  _ = try? UserauthRequest(payload: bytes[...])
  var machine = AuthenticationMachine(
    policy: .init(methods: [.publicKey, .password, .keyboardInteractive], permitRoot: .no))
  var rest = bytes[...]
  while let kind = rest.popFirst(), let length = rest.popFirst() {
    let payload = rest.prefix(Int(length))
    rest = rest.dropFirst(Int(length))
    let event: AuthenticationMachine.Event
    switch kind % 5 {
    case 0, 1: event = (try? UserauthRequest(payload: payload)).map { .request($0) } ?? .malformed
    case 2: event = (try? InfoResponse(payload: payload)).map { .infoResponse($0) } ?? .malformed
    case 3: event = .verdict(.accepted, account: .ordinary)
    default: event = .verdict(length % 2 == 0 ? .rejected : .acceptable, account: .ordinary)
    }
    let before = machine.state
    guard case .accept = machine.handle(event) else { continue }
    precondition(event == .verdict(.accepted, account: .ordinary))
    switch before {
    case .judgingSignature, .judgingPassword: break
    case .waitingForRequest, .judgingOffer, .prompting, .loggedIn, .disconnected: preconditionFailure("\(before)")
    }
  }
}
