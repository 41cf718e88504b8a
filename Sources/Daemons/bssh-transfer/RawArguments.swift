import System

/// The arguments of this process as bytes, because file names in them need not be UTF-8.
enum RawArguments {
  /// The arguments after the program's name. proc(5), /proc/pid/cmdline
  ///
  /// - Throws: `SystemError` when /proc cannot be read.
  static func read() throws(SystemError) -> [[UInt8]] {
    // More than the kernel accepts in execve(2).
    guard let bytes = try Descriptor.open("/proc/self/cmdline", 0).readAll(limit: 8 << 20) else { return [] }
    return bytes.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast().map { Array($0) }
  }
}
