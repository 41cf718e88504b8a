import Testing

@testable import Supervisor

@Suite struct LoginTrialTests {
  private typealias Try = LoginTrial.Try

  private func rest(_ trial: LoginTrial, proven: [String] = []) -> String? {
    trial.rest(proven: proven).map { rest in
      "\(rest.attempt.method) \(rest.attempt.reason?.code ?? "") \(rest.attempt.key) \(rest.details ?? "")"
    }
  }

  @Test func `nothing asked for is nothing to tell`() {
    #expect(rest(LoginTrial()) == nil)
  }

  @Test func `who only asks and leaves is told of once, with the last question`() {
    var trial = LoginTrial()
    trial.begin("none", isQuestion: true)
    trial.concludeQuestion("none")
    #expect(rest(trial) == "none none  ")
    for (number, word) in [(1, "key"), (2, "keys")] {
      trial.begin("publickey", isQuestion: true)
      trial.concludeQuestion("no_such_key", key: "SHA256:\(number)")
      #expect(rest(trial) == "publickey no_such_key SHA256:\(number) \(number) \(word) offered")
    }
    trial.begin("publickey", isQuestion: true)
    trial.concludeQuestion("not_signed", key: "SHA256:3")
    #expect(rest(trial) == "publickey not_signed SHA256:3 3 keys offered")
  }

  @Test func `questions after an attempt that was told are no attempt`() {
    var trial = LoginTrial()
    trial.begin("password", isQuestion: false)
    trial.tell()
    #expect(rest(trial) == nil)
    trial.begin("publickey", isQuestion: true)
    trial.concludeQuestion("no_such_key")
    #expect(rest(trial) == nil)
  }

  @Test func `an attempt without an answer is told, whatever was told before`() {
    var trial = LoginTrial()
    trial.begin("password", isQuestion: false)
    trial.tell()
    trial.begin("password", isQuestion: false)
    #expect(rest(trial) == "password abandoned  ")
  }

  @Test func `steps that lead to no login are told`() {
    var trial = LoginTrial()
    trial.begin("publickey", isQuestion: false)
    trial.prove()
    #expect(rest(trial, proven: ["publickey"]) == "publickey incomplete  ")
    trial.begin("password", isQuestion: false)
    #expect(rest(trial, proven: ["publickey"]) == "password abandoned  ")
    trial.tell()
    #expect(rest(trial, proven: ["publickey"]) == "publickey incomplete  ")
  }
}
