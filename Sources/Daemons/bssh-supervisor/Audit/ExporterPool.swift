import IPC

/// Decides which exporters run, one for each receiver. The caller starts and ends them.
///
/// Exporters are identified by their names. An exporter whose settings do not change keeps running when others change.
/// One that ends is restarted, after increasing pauses as long as it has made no progress.
struct ExporterPool: Sendable {
  /// What the caller must do.
  enum Action: Equatable, Sendable {
    /// Start an exporter, and call `started` or `startFailed`.
    case start(ExporterSettings)
    /// Let this exporter end.
    case stop(exporter: UInt64)
    /// Call `restartTime` after this time.
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

  /// The exporters that are behind, with the number of events that wait for each.
  var behind: [(name: String, waiting: UInt64)] {
    members.compactMap { member in
      member.progress.flatMap { $0.isBehind ? (member.settings.name, $0.waiting) : nil }
    }
  }

  /// The name of a running exporter that is needed; nil: none.
  func name(of number: UInt64) -> String? { members.first { $0.number == number }?.settings.name }

  /// Applies new settings, one for each receiver, with distinct names.
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

  /// Handles that the exporter of `start` is running.
  mutating func started(_ name: String, _ number: UInt64) {
    if let i = index(name) { members[i].number = number }
  }

  /// Handles that the exporter of `start` could not be started.
  mutating func startFailed(_ name: String) -> [Action] { index(name).map { replace($0) } ?? [] }

  /// Handles the end of an exporter.
  mutating func ended(_ number: UInt64) -> [Action] {
    guard let i = members.firstIndex(where: { $0.number == number }) else { return [] }
    members[i].number = nil
    return replace(i)
  }

  /// Handles the end of `restartAfter`.
  mutating func restartTime(_ name: String) -> [Action] {
    guard let i = index(name), members[i].number == nil else { return [] }
    return [.start(members[i].settings)]
  }

  /// Handles the progress of an exporter.
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
