import Glibc

/// A record of a login on a terminal, or of a refused one, for who(1), w(1), last(1), lastb(1) and lastlog(8). utmp(5)
public struct LoginRecord: Equatable, Sendable {
  /// The login name; the files keep its first 32 bytes.
  public var user: String
  /// Relative to /dev: `pts/3`.
  public var terminal: String
  /// The session leader of the terminal.
  public var process: pid_t
  /// The client's IP address, without brackets.
  public var address: String
  /// Microseconds since 1970, UTC.
  public var time: Int64

  public init(user: String, terminal: String, process: pid_t, address: String, time: Int64) {
    self.user = user
    self.terminal = terminal
    self.process = process
    self.address = address
    self.time = time
  }
}

/// The system's login record files. utmp(5), lastlog(8). A missing file is not created: whoever removed it wants none.
///
/// Programs that read them take locks, and anybody may read utmp and wtmp. So nothing here waits for a lock: records
/// are appended with one write(2), and each terminal has its own slot in utmp.
public struct LoginRecordFiles: Sendable {
  /// Path of utmp: who is logged in now.
  public var now: String
  /// Path of wtmp: logins and logouts.
  public var history: String
  /// Path of lastlog: each user's last login.
  public var last: String
  /// Path of btmp: refused logins.
  public var refused: String

  public init(now: String, history: String, last: String, refused: String) {
    self.now = now
    self.history = history
    self.last = last
    self.refused = refused
  }

  /// The standard paths. paths.h, `_PATH_UTMP` and its siblings
  public static let system = LoginRecordFiles(
    now: "/run/utmp", history: "/var/log/wtmp", last: "/var/log/lastlog", refused: "/var/log/btmp")

  /// The result of opening a file, and the file's identity; nil when there was none.
  private struct Held: Sendable {
    let file: Result<Descriptor, SystemError>
    let identity: FileIdentity?
  }

  /// The held files by path; nil before ``hold()``.
  private var held: [String: Held]?

  /// Opens the files and keeps them: from then on only these are written, and no path is opened again.
  public mutating func hold() {
    var held: [String: Held] = [:]
    for (path, flags) in [
      (now, O_RDWR), (history, O_WRONLY | O_APPEND), (last, O_WRONLY), (refused, O_WRONLY | O_APPEND),
    ] {
      let identity = FileIdentity(of: path)
      let file: Result<Descriptor, SystemError>
      do throws(SystemError) { file = .success(try open(path, flags)) } catch { file = .failure(error) }
      held[path] = Held(file: file, identity: identity)
    }
    self.held = held
  }

  /// True when other files than the held ones have these paths now, as after logrotate(8).
  public var areReplaced: Bool { held?.contains { $1.identity != FileIdentity(of: $0) } ?? false }

  /// Records the beginning of a login on a terminal in utmp, wtmp and lastlog.
  ///
  /// - Returns: the errors of files that exist and could not be written; the others were written.
  public func began(_ login: LoginRecord, uid: uid_t) -> [SystemError] {
    let record = entry(login, USER_PROCESS)
    var failures: [SystemError] = []
    do throws(SystemError) { try replace(record) } catch { failures.append(error) }
    do throws(SystemError) { try append(record, to: history) } catch { failures.append(error) }
    do throws(SystemError) { try remember(login, uid: uid) } catch { failures.append(error) }
    return failures.filter { !$0.isMissingFile }
  }

  /// Records the end of a login in utmp and wtmp; its user and address are ignored.
  ///
  /// - Returns: the errors of files that exist and could not be written.
  public func ended(_ login: LoginRecord) -> [SystemError] {
    var login = login
    login.user = ""
    login.address = ""
    let record = entry(login, DEAD_PROCESS)
    var failures: [SystemError] = []
    do throws(SystemError) { try replace(record) } catch { failures.append(error) }
    do throws(SystemError) { try append(record, to: history) } catch { failures.append(error) }
    return failures.filter { !$0.isMissingFile }
  }

  /// Records a refused login in btmp. The caller sets the terminal to `ssh:notty`, as sshd does.
  ///
  /// - Returns: the error when the file exists and could not be written.
  public func refused(_ login: LoginRecord) -> [SystemError] {
    var record = entry(login, LOGIN_PROCESS)
    set(&record.ut_id, to: "")
    do throws(SystemError) { try append(record, to: refused) } catch { return error.isMissingFile ? [] : [error] }
    return []
  }

  // MARK: Files

  /// Overwrites the entry of the same terminal, or appends one, as pututxline(3) does.
  private func replace(_ entry: utmpx) throws(SystemError) {
    let file = try open(now, O_RDWR)
    let size = MemoryLayout<utmpx>.stride
    let bytes = try file.read(count: LoginRecordFiles.limit * size, at: 0)
    var place = bytes.count / size
    bytes.withUnsafeBytes { raw in
      for index in 0..<place {
        let other = raw.loadUnaligned(fromByteOffset: index * size, as: utmpx.self)
        guard (INIT_PROCESS...DEAD_PROCESS).contains(Int32(other.ut_type)), hasSameID(other, entry) else { continue }
        place = index
        return
      }
    }
    try file.write(withUnsafeBytes(of: entry) { Array($0) }[...], offset: UInt64(place * size))
  }

  /// Limit of utmp entries that are searched.
  private static let limit = 65536

  private func append(_ entry: utmpx, to path: String) throws(SystemError) {
    let file = try open(path, O_WRONLY | O_APPEND)
    try file.write(withUnsafeBytes(of: entry) { Array($0) }[...], offset: nil)
  }

  private func remember(_ login: LoginRecord, uid: uid_t) throws(SystemError) {
    var entry = lastlog()
    entry.ll_time = .init(truncatingIfNeeded: login.time / 1_000_000)
    set(&entry.ll_line, to: login.terminal)
    set(&entry.ll_host, to: login.address)
    let place = UInt64(uid) * UInt64(MemoryLayout<lastlog>.stride)
    try open(last, O_WRONLY).write(withUnsafeBytes(of: entry) { Array($0) }[...], offset: place)
  }

  /// Opens a regular file only, because a FIFO could block.
  private func open(_ path: String, _ flags: Int32) throws(SystemError) -> Descriptor {
    if let held = held?[path] { return try held.file.get() }
    let file = try Descriptor.open(path, flags | O_NONBLOCK | O_NOCTTY)
    guard try file.status().kind == .regular else { throw SystemError("open \(path)", code: EINVAL) }
    return file
  }

  // MARK: Entries

  private func entry(_ login: LoginRecord, _ type: Int32) -> utmpx {
    var entry = utmpx()
    entry.ut_type = Int16(type)
    entry.ut_pid = login.process
    set(&entry.ut_line, to: login.terminal)
    // ut_id has four bytes: the end of the terminal's name, by convention.
    set(&entry.ut_id, to: String(decoding: login.terminal.utf8.suffix(4), as: UTF8.self))
    set(&entry.ut_user, to: login.user)
    set(&entry.ut_host, to: login.address)
    setAddress(&entry.ut_addr_v6, login.address)
    entry.ut_tv.tv_sec = .init(truncatingIfNeeded: login.time / 1_000_000)
    entry.ut_tv.tv_usec = .init(truncatingIfNeeded: login.time % 1_000_000)
    return entry
  }

  private func hasSameID(_ one: utmpx, _ other: utmpx) -> Bool {
    withUnsafeBytes(of: one.ut_id) { one in withUnsafeBytes(of: other.ut_id) { one.elementsEqual($0) } }
  }

  /// Fills a fixed-length field with the bytes of `text`, truncated or padded with zeros.
  private func set<Field>(_ field: inout Field, to text: String) {
    withUnsafeMutableBytes(of: &field) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      for (index, byte) in text.utf8.prefix(bytes.count).enumerated() { bytes[index] = byte }
    }
  }

  /// The address in network byte order; IPv4 uses the first four bytes.
  private func setAddress<Field>(_ field: inout Field, _ address: String) {
    withUnsafeMutableBytes(of: &field) { bytes in
      let family = address.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
      // After a '%' comes the zone of a link-local address.
      let plain = String(address.prefix { $0 != "%" })
      if inet_pton(family, plain, bytes.baseAddress) != 1 { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
    }
  }
}
