import AccessControl
import Authentication

/// Certificates: what is parsed is consistent, and can be verified whatever it says.
func fuzz(_ bytes: [UInt8]) {
  guard let certificate = try? Certificate(blob: bytes[...]) else { return }
  precondition(Certificate.isCertificate(bytes))
  precondition(Certificate.types.contains(certificate.type))
  precondition(bytes.starts(with: certificate.signedData))
  precondition(certificate.signedData.count + 4 + certificate.signature.count == bytes.count)
  precondition(certificate.principals.count <= Certificate.principalLimit)
  precondition(!certificate.keyID.contains(0) && certificate.principals.allSatisfy { !$0.contains(0) })
  precondition(!Certificate.isCertificate(certificate.authority.blob))
  let options = try? CertificateOptions(certificate)
  precondition(options?.permissions.forcedCommand?.contains(0) != true)

  let name = certificate.principals.first.map { String(decoding: $0, as: UTF8.self) } ?? "anna"
  for user in [name, "anna"] {
    let now = Int64(clamping: certificate.validAfter)
    let claim = KeyClaim(.certificate(certificate), user: user, address: IPAddress("192.0.2.7"), now: now) { _ in 0 }
    var search = KeySearch(claim)
    let line = Array("cert-authority \(certificate.authority.text)\n".utf8)
    let byLine = search.find(in: KeySearch.File(name: "/k", content: line[...]))
    let byFile = search.find(among: [certificate.authority], of: "cas", principals: .userName)
    // A line without options permits no more than the file does.
    precondition((byLine == nil) == (byFile == nil))
    precondition(byFile == nil || (options != nil && certificate.kind == .user && !certificate.principals.isEmpty))
  }
}
