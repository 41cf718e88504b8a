import Foundation
import Testing

extension Interop {
  /// What the time of a reply reveals about a user.
  @Suite(.serialized) struct KeyTiming {
    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      arguments: ["queries-take-the-same-time", "signatures-take-the-same-time"])
    func `keys are refused in the same time, whether a user has a key, many, no file, or does not exist`(
      claim: String
    ) throws {
      let security = ["max_auth_attempts": "0", "rate_limit": "{per_second: 0}"]
      try withDaemon(security: security) { daemon throws in
        let many = try TestAccount(in: daemon.directory)
        let none = try TestAccount(in: daemon.directory)
        defer {
          many.remove()
          none.remove()
        }
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
        try many.authorize(String(repeating: key, count: 60))
        let users = [daemon.user.name, many.name, none.name, "ghost1", "ghost2", "daemon"]
        try daemon.claim(
          "key_timing.py", claim, environment: ["USERS": users.joined(separator: ",")], within: 120)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a listed key is answered at once`() throws {
      try withDaemon { daemon throws in
        try daemon.claim(
          "key_timing.py", "good-keys-are-not-kept-waiting", environment: ["USERS": daemon.user.name])
      }
    }
  }
}
