import Configuration
import Glibc
import System

/// `gen-config`: prints a configuration with every key, or the schema of all configurations.
enum GenConfig {
  static func run(_ arguments: Arguments) throws(Failure) {
    let text = arguments.has("schema") ? Schema.text : Template.commented
    guard let path = arguments.value("output") else { return try Output.write(text) }
    do throws(SystemError) {
      let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try file.writeAll(Array(text.utf8))
    } catch {
      let reason = error.code == EEXIST ? "exists; remove it first, or choose another file" : "\(error)"
      throw Failure(.cannotCreate, "bssh-server: \(path): \(reason)")
    }
  }
}
