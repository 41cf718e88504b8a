import CCrypt
import Credentials
import Glibc

/// bcrypt, computed by the system's libcrypt. crypt(5)
enum Bcrypt {
  /// Returns whether the password matches the hash, comparing in constant time. A password that contains a NUL byte
  /// never matches, because bcrypt would ignore what follows it. bcrypt uses only the first 72 bytes.
  static func verify(_ password: borrowing Secret, _ hash: String) -> Bool {
    let phrase = password.terminated
    let hasNUL = password.withBytes { $0.contains(0) }
    var work: UnsafeMutableRawPointer?
    var size: Int32 = 0
    defer {
      if let work {
        explicit_bzero(work, Int(size))
        free(work)
      }
    }
    let computed: [UInt8]? = phrase.withBytes { bytes in
      guard let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
        let text = crypt_ra(start, hash, &work, &size)
      else { return nil }
      return Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) }
    }
    let expected = Array(hash.utf8)
    guard let computed, computed.count == expected.count else { return false }
    let difference = zip(computed, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
    return difference == 0 && !hasNUL
  }

  /// A hash with this cost that no password matches, made from 53 random bytes.
  static func decoy(cost: Int, random: [UInt8]) -> String {
    let alphabet = Array("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    var letters = random.map { alphabet[Int($0 & 63)] }
    // The last character of the salt encodes two bits.
    letters[21] = alphabet[Int(random[21] & 3) << 4]
    return "$2b$\(cost < 10 ? "0" : "")\(cost)$" + String(decoding: letters, as: UTF8.self)
  }
}
