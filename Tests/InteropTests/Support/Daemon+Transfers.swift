import Foundation

extension Daemon {
  /// Runs these commands of sftp(1), up to the first that fails.
  func sftp(_ commands: String) throws -> Outcome {
    try Data((commands + "\n").utf8).write(to: URL(fileURLWithPath: "\(directory)/batch"))
    return try run(
      ["sftp", "-q", "-F", "\(directory)/ssh_config", "-b", "\(directory)/batch", "host"], environment: environment)
  }

  /// Runs scp(1).
  func scp(_ words: String...) throws -> Outcome {
    try run(["scp", "-q", "-F", "\(directory)/ssh_config"] + words, environment: environment)
  }

  func digest(_ path: String) throws -> String { String(try succeed("sha256sum", path).prefix(64)) }

  /// Creates a file on the client's side.
  func makeLocalFile(_ name: String, megabytes: Int = 1) throws {
    try succeed("dd", "if=/dev/urandom", "of=\(directory)/\(name)", "bs=1M", "count=\(megabytes)", "status=none")
  }

  /// Creates a file in the user's home.
  func makeUserFile(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(user.home)/\(name)"))
    chown("\(user.home)/\(name)", user.uid, user.gid)
  }

  /// Creates a directory in the user's home.
  func makeUserDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(user.home)/\(name)", withIntermediateDirectories: false)
    chown("\(user.home)/\(name)", user.uid, user.gid)
  }
}
