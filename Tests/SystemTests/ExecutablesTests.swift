import Foundation
import Testing

@testable import System

@Suite struct ExecutablesTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/bssh-executables-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    folder = String(cString: made)
  }

  @Test func `a file that users cannot execute is named with its mode, and no link is followed`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let inner = "\(folder)/lib"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
    #expect(FileManager.default.createFile(atPath: "\(inner)/program", contents: nil))
    symlink("/etc/shadow", "\(inner)/link")
    chmod(folder, 0o755)
    func obstacle(_ directory: mode_t, _ program: mode_t, _ name: String = "program") -> String? {
      chmod(inner, directory)
      chmod("\(inner)/program", program)
      return Executables.obstacle(toUsersStarting: "\(inner)/\(name)")
    }
    for mode: mode_t in [0o755, 0o711, 0o111, 0o4755] { #expect(obstacle(0o711, mode) == nil) }
    for (mode, text) in [(0o700, "700"), (0o744, "744"), (0o750, "750"), (0o644, "644")] as [(mode_t, String)] {
      #expect(
        obstacle(0o755, mode)
          == "users cannot start '\(inner)/program': its mode is \(text), and 711 would let them")
    }
    #expect(
      obstacle(0o750, 0o755)
        == "users cannot start the programs below '\(inner)': its mode is 750, and 755 would let them")
    #expect(obstacle(0o755, 0o755, "none") == nil && obstacle(0o755, 0o755, "link") == nil)
  }
}
