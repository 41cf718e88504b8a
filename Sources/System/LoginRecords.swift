import Glibc

/// Who is logged in on which terminal, or tried to be: what who(1), w(1), last(1), lastb(1) and lastlog(8) read.
public struct LoginRecord: Equatable, Sendable {
  /// The name that logged in; 32 bytes of it are kept.
  public var user: String
  /// As below /dev: `pts/3`.
  public var terminal: String
  /// The first process on the terminal.
  public var process: pid_t
  /// Where from, without brackets.
  public var address: String
  /// Microseconds from 1970 on, UTC.
  public var time: Int64

  public init(user: String, terminal: String, process: pid_t, address: String, time: Int64) {
    self.user = user
    self.terminal = terminal
    self.process = process
    self.address = address
    self.time = time
  }
}

/// The system's files of login records: utmp(5). One that does not exist is not made: whoever removed it wants none.
///
/// Their readers take locks on them, and anybody may read utmp and wtmp. So nothing here waits for a lock: what is
/// appended goes in by one write(2), and a login's place in utmp is its own.
public struct LoginRecordFiles: Sendable {
  /// Who is logged in now.
  public var now: String
  /// Logins and their ends.
  public var history: String
  /// Each account's last login.
  public var last: String
  /// Logins that were refused.
  public var refused: String

  public init(now: String, history: String, last: String, refused: String) {
    self.now = now
    self.history = history
    self.last = last
    self.refused = refused
  }

  /// `_PATH_UTMP` and its siblings.
  public static let system = LoginRecordFiles(
    now: "/run/utmp", history: "/var/log/wtmp", last: "/var/log/lastlog", refused: "/var/log/btmp")

  /// A file that was opened, or why it was not, and which one it was; nil: there was none.
  private struct Held: Sendable {
    let file: Result<Descriptor, SystemError>
    let identity: FileIdentity?
  }

  /// The files by their paths, once they are held.
  private var held: [String: Held]?

  /// Opens the files for good: from then on no other is written to, and none needs to be opened any more.
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

  /// True when other files than those that are held have these paths now: logrotate(8) does that.
  public var areReplaced: Bool { held?.contains { $1.identity != FileIdentity(of: $0) } ?? false }

  /// Somebody has logged in on a terminal: utmp, wtmp and lastlog.
  ///
  /// - Returns: why files that exist were not written; every other one was.
  public func began(_ login: LoginRecord, uid: uid_t) -> [SystemError] {
    let record = entry(login, USER_PROCESS)
    var failures: [SystemError] = []
    do throws(SystemError) { try replace(record) } catch { failures.append(error) }
    do throws(SystemError) { try append(record, to: history) } catch { failures.append(error) }
    do throws(SystemError) { try remember(login, uid: uid) } catch { failures.append(error) }
    return failures.filter { !$0.isMissingFile }
  }

  /// The login is over: utmp and wtmp. Its user and address do not matter.
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

  /// A login was refused: btmp. As sshd has it, the terminal is `ssh:notty`.
  public func refused(_ login: LoginRecord) -> [SystemError] {
    var record = entry(login, LOGIN_PROCESS)
    set(&record.ut_id, to: "")
    do throws(SystemError) { try append(record, to: refused) } catch { return error.isMissingFile ? [] : [error] }
    return []
  }

  // MARK: The files

  /// Writes over the entry of the same terminal, or behind the last one, as pututxline(3) does.
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

  /// Entries of utmp that are looked at.
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

  /// Only a regular file: a pipe would keep us waiting.
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
    // What tells it apart has four bytes: the end of the name, as everybody takes.
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

  /// Fills a field of fixed length: the bytes of `text`, cut, and zeros behind them.
  private func set<Field>(_ field: inout Field, to text: String) {
    withUnsafeMutableBytes(of: &field) { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      for (index, byte) in text.utf8.prefix(bytes.count).enumerated() { bytes[index] = byte }
    }
  }

  /// The address in network order; one of IPv4 takes the first four bytes.
  private func setAddress<Field>(_ field: inout Field, _ address: String) {
    withUnsafeMutableBytes(of: &field) { bytes in
      let family = address.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
      // Behind a '%' stands the interface of a link-local address.
      let plain = String(address.prefix { $0 != "%" })
      if inet_pton(family, plain, bytes.baseAddress) != 1 { bytes.initializeMemory(as: UInt8.self, repeating: 0) }
    }
  }
}
