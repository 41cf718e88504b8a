import Foundation

/// A running process, as /proc shows it.
struct RunningProcess {
  let pid: pid_t
  let parent: pid_t
  /// The file name of its executable, at most 15 bytes; comm(5).
  let name: String
  let isZombie: Bool

  init?(_ pid: pid_t) {
    guard let text = RunningProcess.read(pid, "stat"), let open = text.firstIndex(of: "("),
      let close = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 2, let parent = pid_t(fields[1]) else { return nil }
    self.pid = pid
    self.parent = parent
    name = String(text[text.index(after: open)..<close])
    isZombie = fields[0] == "Z"
  }

  private static func read(_ pid: pid_t, _ file: String) -> String? {
    (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/\(file)"))).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A field of /proc/PID/status.
  func status(_ field: String) -> String {
    let lines = (RunningProcess.read(pid, "status") ?? "").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("\(field):") }) else { return "" }
    return line.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces)
  }

  /// Its real user id.
  var uid: uid_t? { status("Uid").split(separator: "\t").first.flatMap { uid_t($0) } }

  /// Its arguments.
  var arguments: [String] {
    (RunningProcess.read(pid, "cmdline") ?? "").split(separator: "\0").map(String.init)
  }

  /// Its title: `bssh-transport: spare`.
  var title: String { arguments.joined(separator: " ").trimmingCharacters(in: .whitespaces) }

  /// What each of its descriptors refers to.
  var descriptors: [Int: String] {
    let folder = "/proc/\(pid)/fd"
    var result: [Int: String] = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      guard let number = Int(name) else { continue }
      result[number] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
    }
    return result
  }

  /// All existing processes.
  static var all: [RunningProcess] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
      .compactMap { RunningProcess($0) }
  }

  /// Whether it still runs.
  static func isRunning(_ pid: pid_t) -> Bool {
    guard let process = RunningProcess(pid) else { return false }
    return !process.isZombie
  }

  /// All descendants of a process.
  static func descendants(of root: pid_t) -> [RunningProcess] {
    let children = Dictionary(grouping: all.filter { !$0.isZombie }, by: \.parent)
    var found: [RunningProcess] = []
    var waiting = [root]
    while let next = waiting.popLast() {
      found += children[next] ?? []
      waiting += (children[next] ?? []).map(\.pid)
    }
    return found
  }
}
