import Audit
import Configuration
import Glibc
import IPC
import System

/// The directories that `bssh-audit` works in: that of the journal, and those of recordings. The user who starts the
/// daemon opens them, and they are passed on as descriptors, so they may be where that account has no access.
///
/// Each is a separate directory: a missing one is created, and an existing one must already belong to the account.
struct AuditDirectories {
  /// An open directory.
  struct Open {
    let directory: OpenedDirectory
    let descriptor: Descriptor
    /// Why nothing can be written there now because of the state of the disk; nil: it can.
    var obstacle: String?
  }

  /// The owner of the files; nil: the user who starts the daemon.
  let owner: ServiceDirectory.Owner?
  /// Whether missing directories are created.
  let makes: Bool

  init(owner: ServiceDirectory.Owner?, makes: Bool) {
    self.owner = owner
    self.makes = makes
  }

  /// As the daemon opens them; `accounts` nil: not started as root.
  init(_ accounts: ServiceAccounts?, makes: Bool) {
    self.init(
      owner: accounts.map { ServiceDirectory.Owner(user: $0.audit.uid, group: $0.audit.gid) }, makes: makes)
  }

  /// Why a directory cannot be used, as text for the user.
  struct Unusable: Error {
    var reason: String
    /// True if the account that works there lacks the permission.
    var isDenied = false

    init(_ reason: String, isDenied: Bool = false) { (self.reason, self.isDenied) = (reason, isDenied) }

    init(_ error: SystemError) { (reason, isDenied) = ("\(error)", error.code == EACCES) }
  }

  /// The directory of the journal `path`; nil: it does not exist and was not to be created, but could be.
  ///
  /// - Parameter mode: permissions of the journal: if its group may read it, the group may enter the directory.
  /// - Throws: ``Unusable`` if it belongs to another account, or cannot be created or written.
  func journal(_ path: String, mode: UInt32) throws(Unusable) -> Open? {
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let name = Array(path[slash...].utf8.dropFirst())
    guard !name.isEmpty else {
      throw Unusable("'\(path)' is a directory; use a file in it, such as '\(path)audit.log'")
    }
    let folder = path[..<slash].isEmpty ? "/" : String(path[..<slash])
    let isForGroup = mode & 0o040 != 0
    guard let found = try open(folder, mode: isForGroup ? 0o750 : 0o700, for: "the journal needs", as: "/var/log/bssh")
    else {
      return nil
    }
    if found.obstacle == nil {
      for file in JournalSeries.allCases.map({ $0.path(of: path) }).flatMap({ [$0, $0 + ".head"] }) {
        try check(
          Array(file.utf8[(file.lastIndex(of: "/") ?? file.startIndex)...].dropFirst()), in: found.descriptor, file)
      }
    }
    if isForGroup { letGroupEnter(found.descriptor) }
    return found
  }

  /// A directory of recordings; nil and errors as for the journal.
  func recordings(_ path: String) throws(Unusable) -> Open? {
    try open(path, mode: 0o700, for: "recordings need", as: "/var/log/bssh/recordings")
  }

  private func open(
    _ path: String, mode: UInt32, for what: String, as example: String
  ) throws(Unusable) -> Open? {
    let directory: Descriptor?
    let status: FileAttributes
    do throws(SystemError) {
      directory = try ServiceDirectory.open(path, missing: makes ? .make(mode: mode, owner: owner) : .leave)
      guard let directory else { return nil }
      status = try directory.attributes()
    } catch { throw Unusable(error) }
    guard let directory else { return nil }
    let isOurs = status.owner == owner?.user ?? geteuid()
    let needsOwn = "\(what) a directory of \(what == "the journal needs" ? "its" : "their") own, as \(example)"
    guard isOurs || status.permissions & 0o002 == 0 else {
      throw Unusable("everyone can write to '\(path)'; \(needsOwn)")
    }
    var open = Open(
      directory: OpenedDirectory(path: path, device: status.device, inode: status.inode), descriptor: directory)
    do throws(SystemError) {
      try directory.permits(owner, R_OK | W_OK | X_OK, entry: [UInt8(ascii: ".")])
    } catch {
      if error.code == EROFS {
        open.obstacle = "'\(path)' is on a read-only file system"
        return open
      }
      if error.code != EACCES { throw Unusable(SystemError("write to '\(path)'", code: error.code)) }
      if isOurs { throw Unusable("'\(path)' is not accessible to its owner; 'chmod u+rwx \(path)' changes that") }
      let hint = "\(needsOwn); it is created if it does not exist"
      let holder = String(decoding: AccountNames().user(status.owner), as: UTF8.self)
      throw Unusable("'\(path)' belongs to \(holder), and \(writer) may not write there; \(hint)", isDenied: true)
    }
    if directory.isKernelFileSystem { throw Unusable("no files can be created in '\(path)'; \(needsOwn)") }
    return open
  }

  private var writer: String { owner == nil ? "this user" : "bssh-audit" }

  /// Checks that an existing file can be written.
  private func check(_ name: [UInt8], in directory: Descriptor, _ path: String) throws(Unusable) {
    do throws(SystemError) {
      guard try directory.attributes(ofEntry: name).kind == .regular else {
        throw SystemError("", code: EINVAL)
      }
      try directory.permits(owner, R_OK | W_OK, entry: name)
    } catch {
      switch error.code {
      case ENOENT: return
      case EINVAL: throw Unusable("'\(path)' is not a regular file")
      case EACCES: throw Unusable("\(writer) may not write to the existing file '\(path)'", isDenied: true)
      default: throw Unusable(SystemError("write to '\(path)'", code: error.code))
      }
    }
  }

  /// Lets the group that may read the journal enter its directory, if we may change the directory.
  private func letGroupEnter(_ directory: Descriptor) {
    // Without root's privileges it may be a user's home directory, whose permissions are the user's decision.
    guard makes, let owner, let status = try? directory.attributes(), status.owner == owner.user,
      status.group == owner.group, status.permissions & 0o050 != 0o050
    else { return }
    try? directory.setOpenPermissions(status.permissions | 0o050)
  }

  /// The first directory on the path of the journal that its group cannot enter; nil: it can read the journal.
  func obstacle(toGroupOf journal: Open) -> String? {
    guard let path = try? journal.descriptor.realPath() else { return nil }
    let group = owner?.group ?? getegid()
    var place = try? Descriptor.root()
    var name = ""
    for part in path.split(separator: UInt8(ascii: "/")) {
      name += "/" + String(decoding: part, as: UTF8.self)
      place = try? place?.entry(Array(part))
      guard let status = try? place?.attributes() else { return nil }
      let entering: UInt32 = status.group == group ? 0o010 : 0o001
      if status.permissions & entering == 0 { return name }
    }
    return nil
  }
}

/// The result of opening the directories of a configuration.
struct AuditPlaces {
  private(set) var journal: AuditDirectories.Open?
  private(set) var recordings: [AuditDirectories.Open] = []
  /// Problems that prevent a start.
  private(set) var problems: [Diagnostic] = []
  private(set) var warnings: [Diagnostic] = []

  /// Opens, and if `directories` permits creates, what these settings need.
  init(_ loaded: Loaded, _ directories: AuditDirectories) {
    let settings = loaded.settings
    if settings.audit.enabled { openJournal(loaded, directories) }
    let places = settings.recordingPlaces
    if places.count > OpenedDirectory.countLimit {
      problems.append(
        loaded.sourceMap.problem(
          of: "match", "recordings go to \(places.count) directories; at most \(OpenedDirectory.countLimit) are allowed"
        ))
    }
    for (path, block) in places.prefix(OpenedDirectory.countLimit) {
      do throws(AuditDirectories.Unusable) {
        if let open = try directories.recordings(path) { recordings.append(open) }
      } catch {
        warnings.append(
          loaded.sourceMap.problem(
            of: "audit.recording.directory", inBlock: block, "recordings cannot be created: \(error.reason)"))
      }
    }
  }

  private mutating func openJournal(_ loaded: Loaded, _ directories: AuditDirectories) {
    let audit = loaded.settings.audit
    let entry = loaded.choices.journalEntry
    func problem(_ part: String, _ reason: String) -> Diagnostic {
      loaded.sourceMap.problem(of: "audit.exporters", entry: entry, part: part, reason)
    }
    do throws(AuditDirectories.Unusable) {
      journal = try directories.journal(audit.journalPath, mode: audit.journal.mode)
    } catch {
      let problem = problem("path", "the journal cannot be written: \(error.reason)")
      // In a check without root's privileges, root may still start the daemon.
      let isUnchecked = error.isDenied && !directories.makes && !Hardening.isRoot
      if isUnchecked { warnings.append(problem.unchecked) } else { problems.append(problem) }
      return
    }
    if let obstacle = journal?.obstacle {
      warnings.append(problem("path", "the journal cannot be written: \(obstacle)"))
    }
    if audit.journal.mode & 0o040 != 0, let journal, let place = directories.obstacle(toGroupOf: journal) {
      let group = directories.owner == nil ? "its group" : "the group bssh-audit"
      warnings.append(problem("mode", "\(group) cannot read the journal: it may not search '\(place)'"))
    }
  }
}
