import Authentication

/// The authentication messages of a connection, each with a byte for its kind and one for its length: the only way to a
/// login is accepted verdicts on signatures, passwords and codes, in the order of one of the sequences.
func fuzz(_ bytes: [UInt8]) {
  _ = try? UserauthRequest(payload: bytes[...])
  let sequences: [[[AuthenticationMachine.Step]]] = [
    [], [[.publicKey, .totp]], [[.publicKey, .publicKey], [.password, .totp]],
  ]
  var rest = bytes[...]
  let required = sequences[Int(rest.popFirst() ?? 0) % sequences.count]
  var machine = AuthenticationMachine(
    policy: .init(methods: [.publicKey, .password, .keyboardInteractive], required: required, permitRoot: .no))
  while let kind = rest.popFirst(), let length = rest.popFirst() {
    let payload = rest.prefix(Int(length))
    rest = rest.dropFirst(Int(length))
    let event: AuthenticationMachine.Event
    switch kind % 5 {
    case 0, 1: event = (try? UserauthRequest(payload: payload)).map { .request($0) } ?? .malformed
    case 2: event = (try? InfoResponse(payload: payload)).map { .infoResponse($0) } ?? .malformed
    case 3: event = .verdict(.accepted, account: .ordinary, key: "\(length)")
    default: event = .verdict(length % 2 == 0 ? .rejected : .acceptable, account: .ordinary)
    }
    let before = machine.state
    guard case .accept(_, let steps) = machine.handle(event) else { continue }
    guard case .verifying = before, case .verdict(.accepted, _, _) = event else { preconditionFailure("\(before)") }
    precondition(required.isEmpty ? steps.count == 1 : required.contains(steps))
  }
}
