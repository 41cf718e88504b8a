import Testing

/// The entry point of the tests. SwiftPM would make one, but looks for tests of XCTest in the compiler's index, which our
/// builds do not write; there are none.
@main struct Runner {
  static func main() async { await Testing.__swiftPMEntryPoint() as Never }
}
