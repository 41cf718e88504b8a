import IPC
import System

/// Why an authorized_keys file is not read, in words for the person who can correct it.
struct KeyFileProblem: Error, Equatable {
  let text: String

  init(_ text: String) { self.text = text }

  init(_ error: SystemError) { text = error.isMissingFile ? "no such file" : error.description }
}

/// Reads authorized_keys files that only their user or root can have written.
///
/// Symbolic links are followed, and their target is checked: the file and all directories of its real path must belong
/// to the user or root and be writable by nobody else. sshd_config(5), StrictModes; here up to the root directory.
struct KeyFileReader {
  /// Limit of one file in bytes.
  static let sizeLimit = KeyFile.sizeLimit
  /// Limit of all files together in bytes.
  static let totalLimit = KeyFile.totalLimit
  /// Limit of files per request, so that the answer fits into one message.
  static let pathLimit = 12

  /// The user who may own the files, besides root.
  let user: UInt32

  /// The result for each path, and the content of all files, concatenated.
  func read(_ paths: [String]) -> (files: [KeyFile], contents: [UInt8]) {
    var contents: [UInt8] = []
    let files = paths.map { path in
      do throws(KeyFileProblem) {
        let bytes = try read(path)
        guard bytes.count <= Self.totalLimit - contents.count else {
          throw KeyFileProblem("with \(path) the files are larger than \(Self.totalLimit >> 20) MiB")
        }
        contents += bytes
        return KeyFile(path: path, length: UInt32(bytes.count), problem: nil)
      } catch {
        return KeyFile(path: path, length: 0, problem: error.text)
      }
    }
    return (files, contents)
  }

  /// The content of one file.
  func read(_ path: String) throws(KeyFileProblem) -> [UInt8] {
    guard path.hasPrefix("/") else { throw KeyFileProblem("\(path) is not an absolute path") }
    let (file, status) = try attempt { () throws(SystemError) in
      let file = try Descriptor.openUntrusted(path)
      return (file, try file.status())
    }
    func name() throws(KeyFileProblem) -> String {
      String(decoding: try attempt { () throws(SystemError) in try file.realPath() }, as: UTF8.self)
    }
    guard status.kind == .regular else { throw KeyFileProblem("\(try name()) is not a regular file") }
    do throws(PathTrust.Fault) { try PathTrust(user: user).check(file, status) } catch { throw problem(error) }
    let bytes = try attempt { () throws(SystemError) in try file.read(count: KeyFileReader.sizeLimit + 1, at: 0) }
    guard bytes.count <= KeyFileReader.sizeLimit else { throw KeyFileProblem("\(try name()) is larger than 16 MiB") }
    return bytes
  }

  private func problem(_ fault: PathTrust.Fault) -> KeyFileProblem {
    switch fault {
    case .owner(let name, let owner):
      return KeyFileProblem("\(name) belongs to uid \(owner); it must belong to uid \(user) or to root (chown it)")
    case .writable(let name, let permissions):
      let digits = String(permissions, radix: 8)
      let mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      return KeyFileProblem("\(name) is writable by others (mode \(mode)); chmod go-w it")
    case .moved(let path): return KeyFileProblem("\(path) was moved or replaced meanwhile")
    case .error(let error): return KeyFileProblem(error)
    }
  }

  private func attempt<Result>(_ body: () throws(SystemError) -> Result) throws(KeyFileProblem) -> Result {
    do throws(SystemError) { return try body() } catch { throw KeyFileProblem(error) }
  }
}
