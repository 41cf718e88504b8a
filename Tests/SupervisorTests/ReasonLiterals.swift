@testable import Audit

/// Lets tests name reasons by their codes, which are what users see.
extension Reason: ExpressibleByStringLiteral {
  public init(stringLiteral code: String) { self.init(code: code) }
}
