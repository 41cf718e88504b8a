import Wire

@testable import Authentication

/// Requests as clients send them, without the message number.
enum Requests {
  static func bytes(_ method: String, user: String = "anna", service: String = "ssh-connection") -> WireWriter {
    var writer = WireWriter()
    writer.text(user)
    writer.text(service)
    writer.text(method)
    return writer
  }

  static func parsed(_ writer: WireWriter) -> UserauthRequest {
    do { return try UserauthRequest(payload: writer.bytes[...]) } catch { fatalError("the test's: \(error)") }
  }

  static func none(user: String = "anna", service: String = "ssh-connection") -> UserauthRequest {
    parsed(bytes("none", user: user, service: service))
  }

  static func publicKeyBytes(signature: [UInt8]?) -> WireWriter {
    var writer = bytes("publickey")
    writer.boolean(signature != nil)
    writer.text("ssh-ed25519")
    writer.string([1, 2, 3])
    if let signature { writer.string(signature) }
    return writer
  }

  static func publicKey(signature: [UInt8]?) -> UserauthRequest { parsed(publicKeyBytes(signature: signature)) }

  static func passwordBytes(_ password: String, new: String? = nil) -> WireWriter {
    var writer = bytes("password")
    writer.boolean(new != nil)
    writer.text(password)
    if let new { writer.text(new) }
    return writer
  }

  static func password(_ password: String) -> UserauthRequest { parsed(passwordBytes(password)) }

  static func passwordChange() -> UserauthRequest { parsed(passwordBytes("old", new: "new")) }

  static func keyboardInteractiveBytes() -> WireWriter {
    var writer = bytes("keyboard-interactive")
    writer.text("")
    writer.text("pam,otp")
    return writer
  }

  static func keyboardInteractive() -> UserauthRequest { parsed(keyboardInteractiveBytes()) }

  static func other(_ name: String) -> UserauthRequest {
    var writer = bytes(name)
    writer.raw([1, 2, 3])
    return parsed(writer)
  }

  static func answerBytes(_ answers: [String]) -> [UInt8] {
    var writer = WireWriter()
    writer.list(answers) { $0.text($1) }
    return writer.bytes
  }

  static func answer(_ answers: [String]) -> InfoResponse {
    do { return try InfoResponse(payload: answerBytes(answers)[...]) } catch { fatalError("the test's own answer") }
  }
}
