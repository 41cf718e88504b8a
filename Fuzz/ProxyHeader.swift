import AccessControl

/// PROXY headers: the length is bounded, and parsing in pieces has the same result as parsing the whole.
func fuzz(_ bytes: [UInt8]) {
  var whole = ProxyHeaderParser()
  let outcome = Result { () throws(ProxyHeaderError) in try whole.parse(bytes) }
  // The first byte says where the header is split.
  for cut in [Int(bytes.first ?? 0) % (bytes.count + 1), 1, bytes.count] where cut <= bytes.count {
    var parser = ProxyHeaderParser()
    var (taken, header): (Int, ProxyHeader?) = (0, nil)
    do {
      for part in [bytes[..<cut], bytes[cut...]] where header == nil {
        let (count, found) = try parser.parse(part)
        precondition(count == part.count || found != nil)
        (taken, header) = (taken + count, found)
      }
    } catch {
      guard case .failure(let other) = outcome else { preconditionFailure("refused in pieces alone") }
      precondition(error == other)
      continue
    }
    guard case .success(let other) = outcome else { preconditionFailure("refused whole alone") }
    precondition(taken == other.count && header == other.header)
    precondition(taken <= ProxyHeaderParser.binaryLimit && parser.room >= 0)
    if bytes.first == UInt8(ascii: "P") { precondition(taken <= ProxyHeaderParser.textLimit) }
    // Without a complete header, every byte may belong to one.
    precondition(header != nil || taken == bytes.count)
  }
  // The address is that of its text.
  if case .success((_, .forwarded(let client, let server)?)) = outcome {
    for address in [client.address, server.address] { precondition(IPAddress("\(address)") == address) }
  }
}
