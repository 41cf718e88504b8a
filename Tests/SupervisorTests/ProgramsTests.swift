import Glibc
import IPC
import System
import Testing

@testable import Supervisor

/// The requests that start the processes of the daemon.
@Suite struct ProgramsTests {
  private let requests: [ChildProcess.Request]

  init() throws {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let folder = try ProcessEnvironment.executableFolder()
    let programs = Programs(
      executables: try Programs.Executables(in: folder, server: "\(folder)/bssh-server"), null: null,
      openFiles: .openFiles(64), coreFiles: .coreFile(0), outOfMemoryScore: 17)
    let ends = Programs.Ends(standardError: null, supervisor: [null])
    let journal = JournalSettings(
      path: "/l/a.log", mode: 0o600, maxSize: 1, maxBackups: 1, compress: false, sync: .never, flushInterval: 1)
    requests = [
      programs.authority(nil, ends: ends), programs.exporter(nil, ends: ends, settings: null, journal: null),
      programs.journal(nil, ends: ends), programs.recorder(nil, ends: ends),
      programs.transportZygote(nil, ends: ends), programs.sessionZygote(ends: ends), programs.scopes(ends: ends),
      programs.loader(["-c", "/c"], directory: "/d", ends: ends),
      programs.journalOpener(journal, ends: ends),
      programs.banWriter("/b", null, ends: ends),
    ]
  }

  @Test func `every process has the oom_score_adj with which the supervisor was started`() {
    for request in requests { #expect(request.outOfMemoryScore == 17, "\(request.arguments)") }
  }

  @Test func `the supervisor keeps every executable open but its own`() throws {
    let folder = try ProcessEnvironment.executableFolder()
    let executables = try Programs.Executables(in: folder, server: "\(folder)/bssh-server")
    let kept = Mirror(reflecting: executables).children.compactMap { ($0.value as? Executable)?.name }
    #expect(Set(kept) == Set(ExecutableName.allCases.filter { $0 != .supervisor }.map(\.rawValue)))
    #expect(kept.count == ExecutableName.allCases.count - 1)
  }

  @Test func `every process has its own session, so that keys of the supervisor's terminal do not reach it`() {
    for request in requests { #expect(request.newSession, "\(request.arguments)") }
  }
}
