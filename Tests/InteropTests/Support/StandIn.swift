import Foundation

extension Daemon.Preparation {
  /// The folder whose executables start the daemon, if there are any.
  var ownExecutables: String { "\(directory)/bin" }

  /// Gives the daemon copies of the built executables, in which `script`, one of our own, replaces `name`.
  ///
  /// The daemon starts an open file, which no interpreter could open again: a small program executes the script,
  /// `scripts/NAME` next to the executables.
  func standIn(_ script: String, for name: String) throws {
    try Daemon.copyExecutables(from: executables, to: ownExecutables)
    let folder = "\(ownExecutables)/scripts"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Daemon.client(script), toPath: "\(folder)/\(name)")
    chmod("\(folder)/\(name)", 0o755)
    try Daemon.compile(
      """
      #include <unistd.h>
      extern char **environ;
      int main(int count, char **words) {
        (void)count;
        return execve("\(folder)/\(name)", words, environ);
      }
      """, to: "\(ownExecutables)/\(name)")
  }
}

extension Daemon {
  /// Compiles an executable from a C program.
  static func compile(_ text: String, to path: String) throws {
    let source = path + ".c"
    try Data(text.utf8).write(to: URL(fileURLWithPath: source))
    // Swift's own compiler, which is next to swift.
    let search = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""]
    let outcome = try run(["clang", "-o", path + "~", source], environment: search)
    guard outcome.status == 0 else { throw Failure("clang: \(outcome.errors)") }
    guard rename(path + "~", path) == 0, chmod(path, 0o755) == 0 else { throw Failure("\(path) cannot be replaced") }
  }
}
