import AccessControl
import Filter

/// Checks that concern several keys or the machine; the result is the checked settings.
struct Checks {
  private let given: RawSettings
  let hostEnvironment: HostEnvironment
  let file: Loader.File?
  /// The directory for persistent state of this user's programs; nil: unknown.
  private let stateDirectory: String?
  private(set) var problems: [Diagnostic] = []
  private(set) var warnings: [Diagnostic] = []
  /// The settings outside of `match` blocks, and those with each block applied.
  private var auths: [Settings.Auth] = []
  /// The index of the `match` block that is being checked, whose keys are named in problems; nil: none.
  var block: Int?

  init(given: RawSettings, hostEnvironment: HostEnvironment, file: Loader.File?, stateDirectory: String?) {
    self.given = given
    self.stateDirectory = stateDirectory
    self.hostEnvironment = hostEnvironment
    self.file = file
  }

  /// Reads the files that `choices` name, checks everything, and returns the complete settings.
  mutating func settings(of choices: UnresolvedSettings) -> Settings {
    var settings = choices.settings
    settings.server.bindAddresses = addresses(of: choices)
    checkHostKeys(settings.server)
    if settings.server.windowSize < settings.server.maximumPacketSize {
      let size = settings.server.maximumPacketSize
      warning("server.window_size", "less than one packet: \(size), as in server.maximum_packet_size, is used")
      settings.server.windowSize = size
    }
    if !settings.server.keyExchanges.contains(Algorithms.hybridKeyExchange) {
      warning(
        "server.kex",
        "without \(Algorithms.hybridKeyExchange) a quantum computer can decrypt traffic that is recorded today; OpenSSH 10.1 "
          + "and later warn at every login")
    }
    settings.server.banner = banner(choices.bannerFile)
    settings.auth.trustedUserCAKeys = trustedUserCAKeys(choices.trustedUserCAFile)
    settings.auth.revokedKeys = revokedKeys(choices.revokedKeysFile)
    for (index, match) in settings.matches.enumerated() {
      block = index
      settings.matches[index].values.auth.trustedUserCAKeys = trustedUserCAKeys(match.choices.trustedUserCAFile)
      settings.matches[index].values.auth.revokedKeys = revokedKeys(match.choices.revokedKeysFile)
    }
    block = nil
    settle(&settings.audit, stateDirectory: stateDirectory)
    auths = ([settings] + settings.matches.indices.map { settings.applying([$0]) }).map(\.auth)
    checkUsers(choices.settings.auth.users, at: given.values["auth.password.users"], key: "auth.password.users")
    warnAboutSecrets(in: choices.settings.auth.users)
    if let path = choices.usersFile {
      settings.auth.users += users(in: path, known: choices.settings.auth.users.map(\.name))
    }
    warnAboutLimits(settings)
    checkNames(settings)
    checkPlaces(settings)
    checkGroups(settings.groupPatterns)
    // Each block is checked alone; combinations of blocks are not.
    let variants = [settings] + settings.matches.indices.map { settings.applying([$0]) }
    checkMethods(variants, of: settings.auth.users)
    checkAuthorities(variants)
    checkTransfers(variants, of: settings.auth.users)
    checkShells(variants)
    checkRoots(variants)
    checkForwarding(variants)
    for (number, variant) in variants.enumerated() where number == 0 || variant.shell != settings.shell {
      block = number == 0 ? nil : number - 1
      checkCommands(variant)
      if variant.shell.enabled, !hostEnvironment.isExecutable(variant.shell.defaultShell) {
        problem("shell.default", "\(quoted(variant.shell.defaultShell)) is not an executable file")
      }
    }
    block = nil
    return settings
  }

  private mutating func addresses(of choices: UnresolvedSettings) -> [Settings.BindAddress] {
    if given.rank("server.port") > given.rank("server.bind_address"), given.rank("server.port") > 1,
      choices.bindAddresses.allSatisfy({ $0.port != nil })
    {
      warning("server.port", "has no effect: every entry of server.bind_address has its own port")
    }
    var seen: [(IPAddress?, Substring, UInt16)] = []
    var result: [Settings.BindAddress] = []
    for (index, choice) in choices.bindAddresses.enumerated() {
      let port = choice.port ?? choices.port
      let place = (choice.place.0, choice.place.1, port)
      if seen.contains(where: { $0 == place }) {
        problem("server.bind_address", index: index, "\(choice.text) with port \(port) is a duplicate")
      }
      seen.append(place)
      result.append(.init(address: choice.address, port: port))
    }
    return result
  }

  private mutating func checkHostKeys(_ server: Settings.Server) {
    let key = "server.host_keys"
    if server.hostKeys.isEmpty, given.values[key].map({ isEmptyList($0.node) }) ?? true {
      problem(key, "no host key; 'bssh-server gen-host-key -t ed25519 -o FILE' creates one")
      return
    }
    var offered: [[String]] = []
    var faulty = false
    for (index, path) in server.hostKeys.enumerated() {
      switch hostEnvironment.hostKey(path) {
      case .unusable(let reason):
        faulty = true
        problem(key, index: index, reason)
      case .denied(let reason):
        faulty = true
        unreadable(path, .init(reason: reason, isDenied: true), key, index: index)
      case .usable(let algorithms):
        if offered.contains(algorithms) {
          problem(key, index: index, "\(quoted(path)) is a second key for \(algorithms.joined(separator: ", "))")
        }
        if !algorithms.contains(where: server.hostKeyAlgorithms.contains) {
          warning(
            key, index: index, "\(quoted(path)) is never used: server.host_key_algorithms has none of its algorithms")
        }
        offered.append(algorithms)
      }
    }
    if !faulty, !server.hostKeys.isEmpty, !offered.joined().contains(where: server.hostKeyAlgorithms.contains) {
      problem("server.host_key_algorithms", "none of these algorithms has a key in server.host_keys")
    }
  }

  private mutating func banner(_ path: String?) -> String? {
    guard let path else { return nil }
    switch hostEnvironment.read(path, 128 << 10) {
    case .failure(let unreadable):
      self.unreadable(path, unreadable, "server.banner")
      return nil
    case .success(let file):
      guard trust(file, path, "server.banner") else { return nil }
      guard let text = String(validating: file.bytes, as: UTF8.self), !file.bytes.contains(0) else {
        problem("server.banner", "\(quoted(path)) is not UTF-8 text")
        return nil
      }
      return text
    }
  }

  private mutating func users(in path: String, known: [String]) -> [Settings.User] {
    let key = "auth.password.users_file"
    let bytes: [UInt8]
    switch hostEnvironment.read(path, 1 << 20) {
    case .failure(let unreadable):
      self.unreadable(path, unreadable, key)
      return []
    case .success(let file):
      if !trust(file, path, key) { return [] }
      if file.isReadableByOthers { warning(key, readableByOthers(path)) }
      bytes = file.bytes
    }
    let root: Node
    switch hostEnvironment.parse(bytes, path) {
    case .failure(let problem):
      problems.append(problem)
      return []
    case .success(let tree): root = tree
    }
    guard case .mapping(let entries) = root.content else {
      if !root.isNull { locate(root, in: path, "", "expected the key 'users', found \(root.found)") }
      return []
    }
    var users: [Settings.User] = []
    for (index, entry) in entries.enumerated() {
      guard entry.key == "users", index == 0 else {
        let reason = entry.key == "users" ? "given twice" : "unknown key; this file has only the key 'users'"
        problems.append(Diagnostic(source: .file(path), position: entry.position, key: entry.key, reason: reason))
        continue
      }
      var faults = ValueDiagnostics()
      faults.folder = path.hasPrefix("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : nil
      users = ValueType.users.parse(entry.value, &faults) ?? []
      problems += faults.all.map {
        Diagnostic(source: .file(path), position: $0.position, key: "users" + $0.below, reason: $0.reason)
      }
      let given = RawSetting(node: entry.value, source: .file(path))
      checkUsers(users, at: given, key: "users")
      for user in users where known.contains(user.name) {
        locate(
          entry.value, in: path, "users", "the user \(quoted(user.name)) is defined in auth.password.users as well")
      }
    }
    return users
  }

  /// Checks users against the accounts and files of the machine; `value` is the value of `key` that defines them.
  private mutating func checkUsers(_ users: [Settings.User], at value: RawSetting?, key: String) {
    guard let value else { return }
    for (entry, below) in entries(of: value.node) {
      guard let user = users.first(where: { $0.name == entry.text("name") }) else { continue }
      let place = entry.mapping("run_as") ?? entry.node
      let report = { (node: Node, part: String, reason: String) in
        Diagnostic(source: value.source, position: node.position, key: key + below + part, reason: reason)
      }
      let needsAccounts = hostEnvironment.isRoot || hostEnvironment.rightsAreUnknown
      if needsAccounts, let account = user.runAs, !hostEnvironment.accountExists(account) {
        problems.append(report(place, ".run_as", "the system has no account \(quoted(account))"))
      } else if !hostEnvironment.isRoot, let account = user.runAs, account != hostEnvironment.ownAccount {
        let reason = "not started as root, the daemon cannot become \(quoted(account)); omit run_as"
        let fault = report(place, ".run_as", reason)
        if hostEnvironment.rightsAreUnknown { warnings.append(fault.unchecked) } else { problems.append(fault) }
      }
      if hostEnvironment.isRoot, user.runAs == nil, !hostEnvironment.accountExists(user.name) {
        let reason = "the system has no account \(quoted(user.name)); set run_as to the account for this user"
        problems.append(report(entry.node, "", reason))
      }
      if let reason = proofFault(user, auths) { warnings.append(report(entry.node, "", reason)) }
      for (part, path) in [("shell", user.shell), ("home", user.home), ("root", user.root)] {
        guard let path, let reason = part == "shell" ? programFault(path) : directoryFault(path) else { continue }
        warnings.append(report(entry.mapping(part) ?? entry.node, "." + part, reason))
      }
    }
  }

  private func entries(of node: Node) -> [(entry: UserEntry, below: String)] {
    guard case .sequence(let items) = node.content else { return [] }
    return items.enumerated().map { (UserEntry(node: $1), "[\($0)]") }
  }

  private mutating func warnAboutSecrets(in users: [Settings.User]) {
    guard let file, file.isReadableByOthers, users.contains(where: { $0.passwordHash != nil || $0.totpSecret != nil })
    else { return }
    warning("auth.password.users", readableByOthers(file.name))
  }

  private mutating func checkMethods(_ variants: [Settings], of users: [Settings.User]) {
    let methods = variants.flatMap(\.auth.methods)
    let asksPassword = methods.contains(.password) || methods.contains(.keyboardInteractive)
    if asksPassword, !users.contains(where: { $0.passwordHash != nil }) {
      warning("auth.methods", "a password can be asked for, but no user has a password_hash")
    }
    if !asksPassword, users.contains(where: { $0.passwordHash != nil }) {
      warning("auth.methods", "users have a password_hash, but no method asks for a password")
    }
    if !methods.contains(.publicKey), !users.allSatisfy(\.authorizedKeys.isEmpty) {
      warning("auth.methods", "users have authorized_keys, but publickey is not among the methods")
    }
    checkSequences(variants)
    let keys = variants.map(\.auth).contains { auth in
      auth.authorizedKeysDirectory != nil || auth.effectiveKeysPattern != nil || auth.trustedUserCAKeys != nil
    }
    if methods.contains(.publicKey), !keys, users.allSatisfy(\.authorizedKeys.isEmpty) {
      warning("auth.methods", "publickey is allowed, but no authorized keys are configured")
    }
    for user in users {
      for method in user.methods ?? [] where !methods.contains(method) {
        warning(
          "auth.methods", "has no \(method.rawValue), which the user \(quoted(user.name)) has")
      }
    }
  }

  /// Checks that the groups of a login fit into a message.
  private mutating func checkGroups(_ patterns: [NamePattern]) {
    let size = patterns.reduce(0) { $0 + $1.bytes.count + 4 }
    guard size > 32 << 10 else { return }
    let reason = "names and patterns of groups in all lists and blocks have \(size) bytes; expected at most 32768"
    problem(given.values["match"] == nil ? "auth.allow_groups" : "match", reason)
  }

  private mutating func checkSequences(_ variants: [Settings]) {
    for (number, auth) in variants.map(\.auth).enumerated() where number == 0 || auth != variants[0].auth {
      block = number == 0 ? nil : number - 1
      for index in auth.required.indices {
        guard let fault = StepSequence.fault(ofLast: auth.required[...index], methods: auth.methods) else { continue }
        // In a block this is not an error, because another block can set what this one lacks.
        if number == 0 { problem("auth.required", index: index, fault) } else { warning("auth.required", fault) }
      }
    }
    block = nil
    let auth = variants[0].auth
    let required = variants.flatMap(\.auth.required).joined()
    let steps = required.compactMap(\.enabling?.rawValue)
    for method in auth.methods where !auth.required.isEmpty && !steps.contains(method.rawValue) {
      warning("auth.methods", "\(method.rawValue) has no effect: no sequence of auth.required contains it")
    }
    let asksCode = required.contains(.totp)
    if asksCode, auth.users.allSatisfy({ $0.totpSecret == nil }) {
      warning("auth.required", "a code (totp) can be asked for, but no user has a totp_secret")
    }
    if !asksCode, auth.users.contains(where: { $0.totpSecret != nil }) {
      warning("auth.required", "users have a totp_secret, but no sequence asks for a code (totp)")
    }
  }

  private mutating func checkTransfers(_ variants: [Settings], of users: [Settings.User]) {
    if !variants.contains(where: \.filter.isEnabled), variants.contains(where: { !$0.filter.rules.isEmpty }) {
      warning("filter.rules", "have no effect: filter.enabled is false")
    }
    let transfers = variants.contains { $0.sftp.enabled || $0.scp.enabled }
    if !transfers, let user = users.first(where: \.sftpOnly) {
      warning(
        "sftp.enabled", "the user \(quoted(user.name)) is sftp_only and can do nothing: scp.enabled is false as well")
    }
  }

  private mutating func warnAboutLimits(_ settings: Settings) {
    let (all, key) = (settings.server.maxUnauthenticated, "server.max_unauthenticated_per_source")
    if given.rank(key) > 0, settings.server.maxUnauthenticatedPerSource > max(all / 2, 1) {
      warning(key, "more than half of server.max_unauthenticated: \(max(all / 2, 1)) applies")
    }
    if given.rank("security.ban_max") > 0, settings.security.banMax < settings.security.banTime {
      warning("security.ban_max", "shorter than security.ban_time, so every ban has this duration")
    }
  }

  private func isEmptyList(_ node: Node) -> Bool {
    if case .sequence(let items) = node.content { items.isEmpty } else { false }
  }

  private func readableByOthers(_ path: String) -> String {
    "\(quoted(path)) contains credentials and can be read by others; 'chmod 600 \(path)' prevents that"
  }

  /// Reports that the file that a key names cannot be read.
  mutating func unreadable(_ path: String, _ file: HostEnvironment.Unreadable, _ key: String, index: Int? = nil) {
    let fault = located(key, index, "cannot read \(quoted(path)): \(file.reason)")
    if hostEnvironment.rightsAreUnknown, file.isDenied {
      warnings.append(fault.unchecked)
    } else {
      problems.append(fault)
    }
  }

  /// False, after adding a problem, if other users can have written the file.
  mutating func trust(_ file: HostEnvironment.File, _ path: String, _ key: String, index: Int? = nil) -> Bool {
    guard let distrust = file.distrust else { return true }
    problem(key, index: index, "\(quoted(path)) is not used, because others can have written it: \(distrust)")
    return false
  }

  mutating func problem(_ key: String, index: Int? = nil, _ reason: String) {
    problems.append(located(key, index, reason))
  }

  mutating func warning(_ key: String, index: Int? = nil, _ reason: String) {
    warnings.append(located(key, index, reason))
  }

  private mutating func locate(_ node: Node, in path: String, _ key: String, _ reason: String) {
    problems.append(Diagnostic(source: .file(path), position: node.position, key: key, reason: reason))
  }

  /// A problem at the place of `key` or of an entry of its list; of the whole file if the key has its default.
  private func located(_ key: String, _ index: Int?, _ reason: String) -> Diagnostic {
    let value = given.values[block == nil ? key : "match"]
    guard let value else { return Diagnostic(source: file.map { .file($0.name) }, key: key, reason: reason) }
    var node = value.node
    if let block {
      let keys = key.split(separator: ".").map(String.init)
      node = keys.reduce(node.item(block)) { $0?.entry($1) } ?? node.item(block) ?? node
    }
    let position = (index.flatMap(node.item) ?? node).position
    return Diagnostic(
      source: value.source, position: position, key: (block.map { "match[\($0)]." } ?? "") + key, reason: reason)
  }
}

/// An entry of a list of users, with the positions of its keys.
private struct UserEntry {
  var node: Node

  func mapping(_ key: String) -> Node? { node.entry(key) }

  func text(_ key: String) -> String? {
    guard case .scalar(let text, _)? = mapping(key)?.content else { return nil }
    return text
  }
}
