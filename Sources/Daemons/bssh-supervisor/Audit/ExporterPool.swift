import IPC

/// Which exporters run, one for each receiver. Decides only: the supervisor starts and ends them.
///
/// They are known by their names. One whose settings stay is left alone when others change, and one that ends is started
/// again, with growing pauses while it has not told of any progress.
struct ExporterPool: Sendable {
  /// What to do now.
  enum Action: Equatable, Sendable {
    /// Start one, and say `started` or `startFailed`.
    case start(ExporterSettings)
    /// It is not needed any more: let it end.
    case stop(exporter: UInt64)
    /// Say `restartTime` after so many milliseconds.
    case restartAfter(name: String, milliseconds: Int64)
  }

  private struct Member {
    let settings: ExporterSettings
    var number: UInt64?
    var backoff = Backoff()
    var progress: ExporterProgress?
  }

  private var members: [Member] = []

  init() {}

  /// Those that fell behind, and how many events wait for each.
  var behind: [(name: String, waiting: UInt64)] {
    members.compactMap { member in
      member.progress.flatMap { $0.isBehind ? (member.settings.name, $0.waiting) : nil }
    }
  }

  /// The name of an exporter that runs and is needed.
  func name(of number: UInt64) -> String? { members.first { $0.number == number }?.settings.name }

  /// These are the receivers from now on, each with a name of its own.
  mutating func apply(_ wanted: [ExporterSettings]) -> [Action] {
    var actions: [Action] = []
    var kept: [Member] = []
    for member in members {
      if wanted.contains(member.settings) {
        kept.append(member)
      } else if let number = member.number {
        actions.append(.stop(exporter: number))
      }
    }
    let new = wanted.filter { settings in !kept.contains { $0.settings == settings } }
    members = kept + new.map { Member(settings: $0) }
    return actions + new.map { .start($0) }
  }

  /// The exporter that `start` asked for runs.
  mutating func started(_ name: String, _ number: UInt64) {
    if let i = index(name) { members[i].number = number }
  }

  /// The exporter that `start` asked for could not be started.
  mutating func startFailed(_ name: String) -> [Action] { index(name).map { replace($0) } ?? [] }

  /// An exporter has ended.
  mutating func ended(_ number: UInt64) -> [Action] {
    guard let i = members.firstIndex(where: { $0.number == number }) else { return [] }
    members[i].number = nil
    return replace(i)
  }

  /// The time of `restartAfter` has come.
  mutating func restartTime(_ name: String) -> [Action] {
    guard let i = index(name), members[i].number == nil else { return [] }
    return [.start(members[i].settings)]
  }

  /// An exporter tells how far it has come.
  mutating func received(_ progress: ExporterProgress, from number: UInt64) {
    guard let i = members.firstIndex(where: { $0.number == number }) else { return }
    members[i].progress = progress
    members[i].backoff.succeed()
  }

  private func index(_ name: String) -> Int? {
    members.firstIndex { $0.settings.name.utf8.elementsEqual(name.utf8) }
  }

  private mutating func replace(_ i: Int) -> [Action] {
    [.restartAfter(name: members[i].settings.name, milliseconds: members[i].backoff.fail())]
  }
}
