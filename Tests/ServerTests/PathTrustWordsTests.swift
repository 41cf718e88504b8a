import Foundation
import System
import Testing

@testable import Server

@Suite struct PathTrustWordsTests {
  @Test func `why a file is not trusted is a sentence with the command that mends it`() throws {
    var template = Array("/tmp/bssh-trust-words.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
    let folder = String(cString: made)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/file"
    #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
    let file = try Descriptor.open(path, O_RDONLY)
    func words(_ user: uid_t = geteuid()) -> String? { PathTrust(user: user, allowsSticky: true).words(on: file) }
    chmod(path, 0o600)
    #expect(words() == nil, "also in /tmp")
    chmod(path, 0o666)
    #expect(words() == "'\(path)' can be written by others (mode 666); 'chmod go-w \(path)' prevents that")
    chmod(path, 0o600)
    unlink(path)
    #expect(words() == "'\(path) (deleted)' was moved or replaced meanwhile")
    guard geteuid() == 0 else { return }
    fchown(file.rawValue, 65533, 65533)
    #expect(words() == "'\(path) (deleted)' belongs to uid 65533; it must belong to root")
    #expect(words(65532) == "'\(path) (deleted)' belongs to uid 65533; it must belong to root or to uid 65532")
  }
}
