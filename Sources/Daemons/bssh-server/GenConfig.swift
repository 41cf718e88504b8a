import Configuration
import Glibc
import System

/// `gen-config`: prints a configuration with every key.
enum GenConfig {
  static func run(_ arguments: Arguments) throws(Failure) {
    guard let path = arguments.value("output") else { return try Output.write(Template.commented) }
    do throws(SystemError) {
      let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try file.writeAll(Array(Template.commented.utf8))
    } catch {
      let reason = error.code == EEXIST ? "exists; remove it first, or name another file" : "\(error)"
      throw Failure(.cannotCreate, "bssh-server: \(path): \(reason)")
    }
  }
}
