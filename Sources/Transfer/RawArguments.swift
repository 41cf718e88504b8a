import System

/// The arguments of this process as bytes: names of files in them need not be text.
enum RawArguments {
  /// Those after the program's name. proc(5)
  static func read() throws(SystemError) -> [[UInt8]] {
    // As much as the kernel takes.
    guard let bytes = try Descriptor.open("/proc/self/cmdline", 0).readAll(limit: 8 << 20) else { return [] }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast().map { Array($0) }
  }
}
