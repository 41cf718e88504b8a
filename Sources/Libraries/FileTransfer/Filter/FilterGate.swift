import Filter

/// Judges operations of one login by the configured rules.
public struct FilterGate: TransferGate {
  /// Called when a rule with the action `log` allowed an operation.
  public typealias Record = (_ operation: FileOperation, _ paths: [[UInt8]], _ rule: String) -> Void

  private let filter: TransferFilter
  private let user: String
  private let groups: [String]
  private let record: Record

  public let checksSizes: Bool

  public var allowsEverything: Bool { !filter.isEnabled }

  /// - Parameters:
  ///   - user: name of the login.
  ///   - groups: names of its groups.
  public init(_ filter: TransferFilter, user: String, groups: [String], record: @escaping Record) {
    self.filter = filter
    self.user = user
    self.groups = groups
    self.record = record
    checksSizes = FilterOperation.allCases.contains(where: filter.asksForSize)
  }

  public func hides(_ path: [UInt8], size: UInt64?) -> Bool {
    filter.verdict(on: request(.stat, path, size)).action == .deny
  }

  public func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict {
    // A hard link gives a file another place, as renaming does.
    let name = operation == .makeLink && paths.count > 1 ? .rename : operation.ofFilter
    let requests = paths.map { request(name, $0, size) }
    let verdict: TransferFilter.Verdict
    switch requests.count {
    case 1: verdict = filter.verdict(on: requests[0])
    case 2 where operation == .rename: verdict = filter.verdict(onMove: requests[0], to: requests[1])
    case 2: verdict = filter.verdict(on: requests[0], and: requests[1])
    default: return .denied(rule: "no path")
    }
    let rule = verdict.rule ?? "filter.default_action"
    switch verdict.action {
    case .allow: return .allowed
    case .log:
      record(operation, paths, rule)
      return .allowed
    case .deny: return .denied(rule: rule)
    }
  }

  private func request(_ operation: FilterOperation, _ path: [UInt8], _ size: UInt64?) -> FilterRequest {
    FilterRequest(operation: operation, path: path, size: size, user: user, groups: groups)
  }
}

extension FileOperation {
  /// The operation as rules name it.
  fileprivate var ofFilter: FilterOperation {
    switch self {
    case .download: .download
    case .upload: .upload
    case .delete: .delete
    case .rename: .rename
    case .makeDirectory: .createDirectory
    case .list: .listDirectory
    case .status: .stat
    case .setStatus: .setStat
    case .makeLink: .symlink
    case .readLink: .readLink
    }
  }
}
