@testable import Audit

/// Tests name reasons by their codes, which users see.
extension Reason: ExpressibleByStringLiteral {
  public init(stringLiteral code: String) { self.init(code: code) }
}
