import Credentials
import Glibc
import System

/// `hash-password`: prints a value for a user's `password_hash`.
enum HashPassword {
  /// Limit for a password in bytes, which is also that for clients.
  static let limit = 4096

  static func run() throws(Failure) {
    do throws(SystemError) { try Hardening.becomeUnobservable() } catch {
      throw Failure(.systemError, "bssh-server: \(error)")
    }
    var bytes = isatty(STDIN_FILENO) == 1 ? try ask() : try readLine()
    if bytes.isEmpty { throw Failure(.badInput, "bssh-server: the password is empty") }
    let password = Secret(taking: &bytes)
    let hash: String
    do throws(CredentialError) { hash = try PasswordHash.make(password) } catch {
      throw Failure(.software, "bssh-server: \(error)")
    }
    try Output.write(hash + "\n")
  }

  /// Prompts twice on the terminal.
  private static func ask() throws(Failure) -> [UInt8] {
    let answers: [PasswordPrompt.Outcome]
    do throws(SystemError) {
      let prompt = try PasswordPrompt()
      answers = [try prompt.ask("Password: ", limit: limit), try prompt.ask("Repeat the password: ", limit: limit)]
    } catch { throw Failure(.noInput, "bssh-server: \(error)") }
    guard answers[0] == answers[1] else { throw Failure(.badInput, "bssh-server: the passwords differ") }
    switch answers[0] {
    case .line(let bytes): return bytes
    case .ended: throw Failure(.noInput, "bssh-server: no password")
    case .tooLong: throw tooLong
    }
  }

  /// Reads the single line of standard input.
  private static func readLine() throws(Failure) -> [UInt8] {
    let input: [UInt8]?
    do throws(SystemError) { input = try Descriptor(owning: STDIN_FILENO).readAll(limit: limit + 1) } catch {
      throw Failure(.noInput, "bssh-server: standard input: \(error)")
    }
    guard var input else { throw tooLong }
    if input.last == UInt8(ascii: "\n") { input.removeLast() }
    guard input.count <= limit else { throw tooLong }
    guard !input.contains(UInt8(ascii: "\n")) else {
      throw Failure(.badInput, "bssh-server: standard input has several lines; a password must be one line")
    }
    guard !input.contains(0) else { throw Failure(.badInput, "bssh-server: the password contains a NUL") }
    return input
  }

  private static var tooLong: Failure {
    Failure(.badInput, "bssh-server: the password is longer than \(limit) bytes")
  }
}
