import Model

extension Settings {
  /// `forwarding:`: connections that the daemon makes for a client.
  public struct Forwarding: Equatable, Sendable {
    /// Whether TCP connections are forwarded.
    public var tcp = ForwardingDirection.local
    /// Places that may be connected to; nil: all; empty: none.
    public var permitOpen: [ForwardingPlace]?
    /// nil: as ``tcp``, and none where a list of places applies.
    public var unixSockets: ForwardingDirection?
    /// Seconds.
    public var connectTimeout = 30
    /// Forwarded connections of a login at a time.
    public var maxChannels = 1000
  }

  /// In which direction connections are forwarded.
  public enum ForwardingDirection: String, CaseIterable, SettingValue {
    /// In none.
    case no
    /// From the client.
    case local
  }
}

extension KeyTable {
  static let forwarding: [Key] = [
    Key(
      "forwarding.tcp", .choice(others: ["yes": "local", "true": "local", "false": "no"]), \.settings.forwarding.tcp,
      "Whether clients may connect to other machines and ports through the daemon (ssh -L, -D, -W, -J):",
      "no, local. Logins for files alone, with a forced command or with shell.allowed_commands may only",
      "if a block of match sets this key."),
    Key(
      "forwarding.permit_open", .forwardingPlaces, \.settings.forwarding.permitOpen,
      "Where they may connect to: any, none, or a list of host:port, host:*, 192.0.2.0/24:443 and",
      "[2001:db8::1]:22. A name matches what a client asks for, an address what is connected to.",
      "permitopen= in authorized_keys applies as well."),
    Key(
      "forwarding.unix_sockets", ValueType.choice().optional(null: "what forwarding.tcp says"),
      \.settings.forwarding.unixSockets,
      "Whether clients may connect to Unix sockets: no, local. With null, where permit_open is a list,",
      "they may not."),
    Key(
      "forwarding.connect_timeout", .duration(1...3600), \.settings.forwarding.connectTimeout,
      "The time for resolving the name and connecting."),
    Key(
      "forwarding.max_channels", .integer(1...4096), \.settings.forwarding.maxChannels,
      "Forwarded connections that a login has at a time."),
  ]
}

extension ForwardingPlace: SettingValue {}

extension ValueType where Value == [ForwardingPlace]? {
  /// `any`, `none`, or a list of places.
  static let forwardingPlaces: ValueType = {
    let list = ValueType<[ForwardingPlace]>.list(.forwardingPlace, of: "any, none or a list of host:port", orOne: true)
    return ValueType(
      description: list.description, isList: true, schema: list.schema,
      parse: { node, faults in
        switch word(of: node) {
        case "any": return .some(nil)
        case "none": return .some([])
        default: break
        }
        guard let places = list.parse(node, &faults) else { return nil }
        guard places.count <= PlaceList.limit else {
          faults.add(node, "expected at most \(PlaceList.limit) places, found \(places.count)")
          return nil
        }
        return places
      },
      render: { places in
        guard let places else { return .scalar("any") }
        return places.isEmpty ? .scalar("none") : list.render(places)
      })
  }()

  /// The only word of a node: a variable of the environment is a list of one.
  private static func word(of node: Node) -> String? {
    switch node.content {
    case .scalar(let text, _): text
    case .sequence(let items) where items.count == 1: items[0].text
    case .sequence, .mapping: nil
    }
  }
}

extension Node {
  fileprivate var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}

extension ValueType where Value == ForwardingPlace {
  /// A place whose host some client can ask for.
  static let forwardingPlace = ValueType(
    description: "host:port", schema: .scalar,
    parse: { node, faults in
      guard let text = node.text, !node.isNull else {
        faults.add(node, "expected host:port, found \(node.found)")
        return nil
      }
      do throws(ForwardingPlaceError) {
        let place = try ForwardingPlace(Array(text.utf8))
        guard let fault = place.nameFault else { return place }
        faults.add(node, "\(quoted(text)): \(fault)")
      } catch { faults.add(node, "\(quoted(text)) \(error)") }
      return nil
    },
    render: { .scalar(yamlText($0.description)) })
}

extension ForwardingPlace {
  /// Why the name can be no name of a host; nil: it can, or there is none.
  fileprivate var nameFault: String? {
    guard case .name(let name) = host else { return nil }
    if name.contains(UInt8(ascii: "*")) || name.contains(UInt8(ascii: "?")) {
      return "there are no patterns of names; * alone is every host"
    }
    if name.contains(UInt8(ascii: "%")) { return "no address with a zone is connected to" }
    let isName = name.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), 0x80...: true
      default: false
      }
    }
    if !isName { return "a name has letters, digits, '-', '_' and '.'; an IPv6 address needs brackets" }
    let isNumber = name.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    return isNumber ? "is no address and no name" : nil
  }
}
