import Model

/// Why the options of a line are not understood, as text for people.
///
/// It quotes nothing from the line: a symbolic link can point to any file, and the reason is logged.
public struct KeyOptionError: Error, Equatable, Sendable {
  /// The reason, such as `command= is given twice`.
  public let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// The options of a line in authorized_keys or a principals file. sshd(8), AUTHORIZED_KEYS FILE FORMAT
public struct KeyOptions: Equatable, Sendable {
  /// What a login by the line may do, from the flags, `command=`, `environment=`, `permitopen=` and `permitlisten=`.
  public var permissions = KeyPermissions.everything
  /// `cert-authority`: the key is a CA key and does not log in by itself.
  public var isCertificateAuthority = false
  /// `principals=`: a certificate must have one of these. nil: it must have the user name.
  public var principals: [[UInt8]]?
  /// `from=`; nil: any address.
  public var sources: SourcePatterns?
  /// Every `expiry-time=`; all of them apply.
  public var expiryTimes: [ExpiryTime] = []
  /// False with `no-touch-required`: a security key's signature need not prove user presence.
  public var requiresTouch = true
  /// True with `verify-required`: a security key's signature must prove user verification.
  public var requiresVerification = false

  /// The defaults of a line without options.
  public init() {}
}

extension KeyOptions {
  /// Parses options up to the first blank outside quotation marks, and advances `text` to that blank.
  ///
  /// Unknown options are errors, because to ignore a restriction would be a security hole.
  ///
  /// - Throws: `KeyOptionError` if an option is unknown, repeated or malformed.
  public init(reading text: inout ArraySlice<UInt8>) throws(KeyOptionError) {
    self.init()
    var number = 0
    var namesForwarding = false
    while let byte = text.first, !isBlank(byte) {
      if byte == UInt8(ascii: ",") {
        text = text.dropFirst()
        if text.isEmpty { throw KeyOptionError("the options end with a comma") }
        continue
      }
      let word = text.prefix { !isBlank($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
      text = text.dropFirst(word.count)
      let name = String(decoding: word.lowercased, as: UTF8.self)
      number += 1
      guard Self.flags.contains(name) || Self.valued.contains(name) else {
        throw KeyOptionError("option \(number) of the line is unknown")
      }
      if text.first == UInt8(ascii: "=") {
        text = text.dropFirst()
        try set(name, to: try Self.unquoted(&text, of: name))
      } else {
        try set(name)
        if name == "port-forwarding" { namesForwarding = true }
      }
      guard text.isEmpty || text.first.map({ isBlank($0) || $0 == UInt8(ascii: ",") }) == true else {
        throw KeyOptionError("no comma after the value of \(name)=")
      }
    }
    guard principals == nil || isCertificateAuthority else {
      throw KeyOptionError("principals= is only allowed with cert-authority")
    }
    permissions.forwardsBesideCommand =
      permissions.forcedCommand == nil || namesForwarding || !permissions.permitOpen.isEmpty
  }

  private static let flags: Set = [
    "agent-forwarding", "no-agent-forwarding", "port-forwarding", "no-port-forwarding", "x11-forwarding",
    "no-x11-forwarding", "pty", "no-pty", "user-rc", "no-user-rc", "restrict", "touch-required", "no-touch-required",
    "verify-required", "no-verify-required", "cert-authority",
  ]
  private static let valued: Set = [
    "command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel",
  ]

  /// Applies an option without a value.
  private mutating func set(_ name: String) throws(KeyOptionError) {
    switch name {
    case "agent-forwarding": permissions.agentForwarding = true
    case "no-agent-forwarding": permissions.agentForwarding = false
    case "port-forwarding": permissions.portForwarding = true
    case "no-port-forwarding": permissions.portForwarding = false
    case "x11-forwarding": permissions.x11Forwarding = true
    case "no-x11-forwarding": permissions.x11Forwarding = false
    case "pty": permissions.terminal = true
    case "no-pty": permissions.terminal = false
    case "user-rc": permissions.userRC = true
    case "no-user-rc": permissions.userRC = false
    case "restrict": permissions.restrict()
    case "touch-required": requiresTouch = true
    case "no-touch-required": requiresTouch = false
    case "verify-required": requiresVerification = true
    case "no-verify-required": requiresVerification = false
    case "cert-authority": isCertificateAuthority = true
    default: throw KeyOptionError("\(name) needs a value: \(name)=\"…\"")
    }
  }

  /// Applies an option with a value.
  private mutating func set(_ name: String, to value: [UInt8]) throws(KeyOptionError) {
    switch name {
    case "command":
      guard permissions.forcedCommand == nil else { throw KeyOptionError("command= is given twice") }
      permissions.forcedCommand = value
    case "principals":
      guard principals == nil else { throw KeyOptionError("principals= is given twice") }
      // sshd stops reading at an empty name.
      let names = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      principals = names.prefix { !$0.isEmpty }.map(Array.init)
    case "from":
      guard sources == nil else { throw KeyOptionError("from= is given twice") }
      sources = try SourcePatterns(value)
    case "expiry-time":
      guard let time = ExpiryTime(value[...]) else {
        throw KeyOptionError("expiry-time= is not a valid time YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]")
      }
      expiryTimes.append(time)
    case "environment": try setVariable(value)
    case "permitopen": try Self.add(value, to: &permissions.permitOpen, of: name)
    case "permitlisten": try Self.add(value, to: &permissions.permitListen, of: name)
    case "tunnel":
      // Tunnels are not supported, but a line with an invalid value is refused nevertheless.
      guard value.lowercased.elementsEqual("any".utf8) || Self.number(value, upTo: 0x7fff_fffd) != nil else {
        throw KeyOptionError("tunnel= is neither a number nor 'any'")
      }
    default: throw KeyOptionError("\(name) takes no value")
    }
  }

  /// `NAME=value`; the first occurrence of a name applies.
  private mutating func setVariable(_ text: [UInt8]) throws(KeyOptionError) {
    let name = text.prefix { $0 != UInt8(ascii: "=") }
    let isName =
      !name.isEmpty && name.count <= 256
      && name.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): true
        default: false
        }
      }
    guard isName, name.count < text.count, let value = String(validating: text[(name.count + 1)...], as: UTF8.self)
    else { throw KeyOptionError("environment= is not NAME=value with a name of letters, digits and '_' in UTF-8") }
    let variable = EnvironmentVariable(name: String(decoding: name, as: UTF8.self), value: value)
    if !permissions.environment.contains(where: { $0.name == variable.name }) {
      permissions.environment.append(variable)
    }
  }

  /// Adds a place to the list of an option; ``KeyPermissions/setSource(_:)`` adds the line to the name of the list. No
  /// line is long enough for ``PlaceList/limit`` places.
  private static func add(_ text: [UInt8], to lists: inout [PlaceList], of option: String) throws(KeyOptionError) {
    let place: ForwardingPlace
    do throws(ForwardingPlaceError) {
      place = try ForwardingPlace(text, portAlone: option == "permitlisten")
    } catch { throw KeyOptionError("\(option)= \(error)") }
    if lists.isEmpty { lists = [PlaceList("\(option)=", [])] }
    lists[0].places.append(place)
  }

  private static func number(_ text: some Collection<UInt8>, upTo limit: Int) -> Int? {
    guard (1...10).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let number = text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return number <= limit ? number : nil
  }

  /// Removes the quoted string at the start of `text` and returns its content; `\"` is a quotation mark in it.
  private static func unquoted(_ text: inout ArraySlice<UInt8>, of name: String) throws(KeyOptionError) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    guard text.first == quote else { throw KeyOptionError("\(name)= is not followed by a quotation mark") }
    text = text.dropFirst()
    var value: [UInt8] = []
    while let byte = text.first {
      text = text.dropFirst()
      if byte == quote { return value }
      if byte == UInt8(ascii: "\\"), text.first == quote {
        value.append(quote)
        text = text.dropFirst()
      } else {
        value.append(byte)
      }
    }
    throw KeyOptionError("a quotation mark is not closed")
  }
}
