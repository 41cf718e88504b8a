/// Parses a user's principals file: one principal per line, optionally preceded by options. sshd_config(5),
/// AuthorizedPrincipalsFile
public enum AuthorizedPrincipals {
  /// The result of searching a principals file.
  public enum Outcome: Equatable, Sendable {
    /// No line names a principal of the certificate.
    case notListed
    /// The options of the first line that names one of the certificate's principals.
    case listed(KeyOptions)
  }

  /// Finds the first line that names one of `principals`.
  ///
  /// - Parameter warn: called with the number of each line that is not understood, and the reason.
  public static func find(
    _ principals: [[UInt8]], in content: ArraySlice<UInt8>, warn: (_ line: Int, _ reason: String) -> Void
  ) -> Outcome {
    for line in TextLines(content) {
      // Unlike in authorized_keys, a comment may also end a line.
      var text = line.text.prefix { $0 != UInt8(ascii: "#") }
      if line.isCut, text.endIndex == line.text.endIndex {
        warn(line.number, "the line is longer than \(TextLines.limit) bytes")
        continue
      }
      while let last = text.last, isBlank(last) { text = text.dropLast() }
      guard !text.isEmpty else { continue }
      do throws(KeyOptionError) {
        let (name, options) = try read(text)
        if principals.contains(Array(name)) { return .listed(options) }
      } catch { warn(line.number, error.reason) }
    }
    return .notListed
  }

  private static func read(_ text: ArraySlice<UInt8>) throws(KeyOptionError) -> (ArraySlice<UInt8>, KeyOptions) {
    if text.contains(0) { throw KeyOptionError("the line contains a NUL byte") }
    guard let blank = text.lastIndex(where: isBlank) else { return (text, KeyOptions()) }
    var rest = text
    let options = try KeyOptions(reading: &rest)
    let name = rest.drop(while: isBlank)
    guard name.startIndex == blank + 1 else { throw KeyOptionError("more than options and one principal") }
    guard !options.isCertificateAuthority else { throw KeyOptionError("cert-authority is not allowed here") }
    return (name, options)
  }
}
