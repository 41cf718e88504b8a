import Testing

@testable import Supervisor

@Suite struct AuthAttemptLogTests {
  private func unreported(_ attempts: AuthAttemptLog, proven: [String] = []) -> String? {
    attempts.unreported(proven: proven).map { rest in
      "\(rest.attempt.method) \(rest.attempt.reason?.code ?? "") \(rest.attempt.key) \(rest.details ?? "")"
    }
  }

  @Test func `a client without requests has nothing to report`() {
    #expect(unreported(AuthAttemptLog()) == nil)
  }

  @Test func `a client that only sends queries and leaves is reported once with its last query`() {
    var attempts = AuthAttemptLog()
    attempts.begin("none", isQuestion: true)
    attempts.questionAnswered("none")
    #expect(unreported(attempts) == "none none  ")
    for (number, word) in [(1, "key"), (2, "keys")] {
      attempts.begin("publickey", isQuestion: true)
      attempts.questionAnswered("no_such_key", key: "SHA256:\(number)")
      #expect(unreported(attempts) == "publickey no_such_key SHA256:\(number) \(number) \(word) offered")
    }
    attempts.begin("publickey", isQuestion: true)
    attempts.questionAnswered("not_signed", key: "SHA256:3")
    #expect(unreported(attempts) == "publickey not_signed SHA256:3 3 keys offered")
  }

  @Test func `queries after a reported attempt are not an attempt`() {
    var attempts = AuthAttemptLog()
    attempts.begin("password", isQuestion: false)
    attempts.reported()
    #expect(unreported(attempts) == nil)
    attempts.begin("publickey", isQuestion: true)
    attempts.questionAnswered("no_such_key")
    #expect(unreported(attempts) == nil)
  }

  @Test func `an attempt without a reply is reported after other reports too`() {
    var attempts = AuthAttemptLog()
    attempts.begin("password", isQuestion: false)
    attempts.reported()
    attempts.begin("password", isQuestion: false)
    #expect(unreported(attempts) == "password abandoned  ")
  }

  @Test func `completed steps without a login are reported`() {
    var attempts = AuthAttemptLog()
    attempts.begin("publickey", isQuestion: false)
    attempts.proved()
    #expect(unreported(attempts, proven: ["publickey"]) == "publickey incomplete  ")
    attempts.begin("password", isQuestion: false)
    #expect(unreported(attempts, proven: ["publickey"]) == "password abandoned  ")
    attempts.reported()
    #expect(unreported(attempts, proven: ["publickey"]) == "publickey incomplete  ")
  }
}
