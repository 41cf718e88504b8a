import IPC
import System
import Wire

extension Connection {
  /// Handles SERVICE_REQUEST. RFC 4253, section 10
  func serviceRequested(_ reader: inout WireReader) throws {
    let service = String(decoding: try reader.string(), as: UTF8.self)
    // After a login the service is granted, and further authentication requests are ignored.
    guard service == "ssh-userauth" || (isAuthenticated && service == "ssh-connection") else {
      return disconnect(.serviceNotAvailable, "service not available", reason: .protocolError)
    }
    send(Message.serviceAccept(service))
    guard !hasService else { return }
    hasService = true
    let negotiated = SSH.negotiated
    clientIsOpenSSH = negotiated.client.hasPrefix("OpenSSH")
    report(.negotiated(negotiated))
    if !settings.banner.isEmpty { send(Message.banner(settings.banner)) }
  }

  /// Handles USERAUTH_REQUEST or USERAUTH_INFO_RESPONSE. One at a time goes to the supervisor.
  func authenticationRequested(_ number: UInt8, _ payload: SecretBytes) {
    // RFC 4252, section 5.1: requests after success are silently ignored.
    if isAuthenticated { return }
    guard hasService, payload.count <= TransportSettings.authenticationLimit else {
      return violated("an authentication request came too early, or was too long")
    }
    // Nothing more is read while a verdict is pending, so only messages that were read ahead can queue up.
    if verdictPending {
      waitingAuthentication.append((number, payload))
    } else {
      forwardAuthentication(number, payload)
    }
  }

  /// Forwards an authentication message to the supervisor.
  func forwardAuthentication(_ number: UInt8, _ payload: SecretBytes) {
    if number == MessageNumber.userauthInfoResponse {
      guard promptIsOpen else { return violated("an answer to no question") }
      report(.informationResponse(payload))
    } else {
      report(.authenticate(payload))
    }
    promptIsOpen = false
    verdictPending = true
  }

  /// Sends the supervisor's reply to the client.
  func handleReply(_ reply: AuthenticationReply, _ descriptors: [Descriptor]) {
    guard verdictPending, !isAuthenticated else { return }
    verdictPending = false
    switch reply {
    case .success:
      guard let end = descriptors.first else {
        return disconnect(.byApplication, "internal error", reason: .sessionEnded)
      }
      loggedIn(MessageSocket(end))
    case .failure(let continuing, let partial):
      send(Message.authenticationFailure(continuing: continuing, partial: partial))
    case .publicKeyAcceptable(let algorithm, let key): send(Message.publicKeyOK(algorithm: algorithm, key: key))
    case .prompt(let name, let instruction, let prompt):
      promptIsOpen = true
      if !SSH.prompt(name: name, instruction: instruction, prompt: prompt) { lost() }
    }
    if !isAuthenticated, !waitingAuthentication.isEmpty {
      let next = waitingAuthentication.removeFirst()
      forwardAuthentication(next.number, next.payload)
    }
  }

  /// Enables the connection protocol, with `session` to serve it.
  func loggedIn(_ session: MessageSocket) {
    waitingAuthentication = []
    guard SSH.authenticated(), (try? loop.add(session.descriptor, .read, token: Token.session)) != nil else {
      return lost()
    }
    isAuthenticated = true
    rememberActivity()
    self.session = session
    toSession = MessageQueue(session, bound: .bytes(Connection.sessionQueueLimit))
    if settings.keepaliveInterval > 0 { nextKeepalive = Clock.milliseconds + Int64(settings.keepaliveInterval) * 1000 }
    // OpenSSH's host key rotation: the client may ask for a proof that the keys new to it are ours. OpenSSH's PROTOCOL,
    // section 2.5
    var keys = WireWriter()
    for key in settings.hostKeys { keys.string(key) }
    send(Message.globalRequest("hostkeys-00@openssh.com", wantsReply: false, keys.bytes))
  }
}
