import Audit
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct ReloadServiceTests {
  /// Simulated sockets and authorities, and the replies.
  private final class Sources: SocketSource, CandidateSource {
    var error: SystemError?
    private(set) var candidates = 0
    private(set) var dropped = 0
    var answers: [String] = []

    func prepare(_ new: LoadedSettings) throws(SystemError) -> ListenerService.Prepared {
      if let error { throw error }
      return ListenerService.Prepared(sockets: [], absent: [])
    }

    func startCandidate(_ new: LoadedSettings) throws(SystemError) { candidates += 1 }
    func dropCandidate() { dropped += 1 }
  }

  private let runtime = FakeRuntime()
  private let sources = Sources()
  private let reports = Reports()
  private let service: ReloadService

  init() throws {
    let arguments = try #require(SupervisorArguments(["--", "/s", "-c", "x"]))
    service = ReloadService(runtime, sources, sources, reports, arguments, directory: nil) { [sources] in
      sources.answers.append("\($1): \($0)")
    }
  }

  private var loader: Child? { runtime.started.last { $0.role == .loader } }

  /// Handles events until there are none; returns descriptions.
  @discardableResult private func run() -> [String] {
    var words: [String] = []
    while let event = runtime.next() {
      switch event {
      case .reloadBegins: words.append("begins")
      case .reloadEnded(let result):
        words.append("ends")
        service.finish(result)
      case .failed(let code): words.append("failed \(code)")
      case .ended(let child, let status): service.ended(child, status)
      default: words.append("other")
      }
    }
    return words
  }

  private func reject(_ problems: [String]) throws {
    service.handle(LoaderResult.rejected(problems).wireBytes, [], from: try #require(loader))
  }

  private var refusal: String { "\(ReloadReply.refused(["bad", "worse"]))" }

  @Test func `new settings apply when their authority is ready, and the result is sent`() throws {
    service.prepare(try .sample())
    #expect(service.takeCandidate() != nil && sources.candidates == 1)
    service.started()
    service.reload(for: 7)
    let first = try #require(loader)
    #expect(run() == ["begins"] && runtime.hasTimer(.kill(first.number)))
    service.prepare(try .sample())
    #expect(sources.answers.isEmpty && service.takeCandidate() != nil && service.takeCandidate() == nil)
    service.applied()
    #expect(run() == ["ends"] && sources.answers == ["7: \(ReloadReply.applied)"] && reports.records.isEmpty)
  }

  @Test func `rejected settings are reported, and the earlier ones remain`() throws {
    service.started()
    service.reload(for: 7)
    try reject(["bad", "worse"])
    #expect(run() == ["begins", "ends"] && sources.answers == ["7: \(refusal)"])
    #expect(reports.records.map(\.type) == [.configurationRejected])
    #expect(reports.records.first?.details == "bad (and 1 more)" && service.refusedSince != nil)
    // After the message of the loader its end has no effect.
    runtime.end(try #require(loader), .code(0))
    #expect(run().isEmpty && reports.records.count == 1)
  }

  @Test func `a loader that dies, cannot be started or finds no socket leaves the earlier settings`() throws {
    service.started()
    service.reload(for: 1)
    runtime.end(try #require(loader))
    run()
    runtime.canStart = false
    service.reload(for: 2)
    run()
    sources.error = SystemError("listen", code: EADDRINUSE)
    service.prepare(try .sample())
    run()
    service.candidateFailed("the authority died")
    run()
    #expect(reports.records.count == 4 && sources.answers.count == 2)
    #expect(runtime.lines(with: "the new configuration is not used; the previous one still applies") == 4)
  }

  @Test func `a request during a reload gets the result of the next one, which follows immediately`() throws {
    service.reload(for: 1)
    #expect(loader == nil, "the start comes first")
    service.started()
    let first = try #require(loader)
    service.reload(for: 2)
    try reject(["bad", "worse"])
    #expect(run() == ["begins", "ends", "begins"])
    #expect(loader !== first && sources.answers.isEmpty)
    try reject(["bad", "worse"])
    run()
    #expect(sources.answers == ["1: \(refusal)", "2: \(refusal)"])
  }

  @Test func `the start fails if its settings fail`() throws {
    sources.error = SystemError("listen", code: EADDRINUSE)
    service.prepare(try .sample())
    #expect(run() == ["failed \(ExitCode.systemError)"])
    service.candidateFailed("the authority died")
    #expect(run() == ["failed \(ExitCode.unavailable)"] && reports.records.isEmpty)
  }

  @Test func `requests for a reload are refused when the daemon ends`() throws {
    service.started()
    service.reload(for: 1)
    service.prepare(try .sample())
    service.close()
    #expect(sources.answers.count == 1 && sources.dropped == 1 && service.takeCandidate() == nil)
    service.reload(for: 2)
    #expect(sources.answers.count == 2)
    try reject(["bad"])
    service.candidateFailed("the authority died")
    #expect(run() == ["begins"] && reports.records.isEmpty)
  }
}
