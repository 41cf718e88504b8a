import Wire

// bssh-server loads the configuration and sends the settings to the other processes, in the order of the table of keys.

extension Settings: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    let written = value.map { UnresolvedSettings(settings: $0) }
    var choices = UnresolvedSettings()
    for key in KeyTable.keys { try key.field.code(written, into: &choices, in: &coder) }
    self = choices.settings
  }
}

extension Settings.BindAddress: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    Settings.BindAddress(
      address: try coder.text(value?.address, max: 64), port: try coder.number(value?.port))
  }
}

extension Match: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    var match = Match()
    match.users = try .code(value?.users, in: &coder)
    match.groups = try .code(value?.groups, in: &coder)
    match.addresses = try .code(value?.addresses, in: &coder)
    match.paths = try .code(value?.paths, in: &coder)
    let keys = KeyTable.keys.filter { match.paths.contains($0.path) && $0.matchProblem == nil }
    // Otherwise an unknown key would be ignored silently.
    try coder.require(keys.map(\.path) == match.paths)
    for key in keys { try key.field.code(value?.choices, into: &match.choices, in: &coder) }
    return match
  }

  static func code<Coder: FieldCoder>(list: [Self]?, in coder: inout Coder) throws(Coder.Failure) -> [Self] {
    try code(list: list, atMost: countLimit, in: &coder)
  }
}

extension Match.Entry: SettingValue where Value: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    let isNegated = try coder.flag(value?.isNegated)
    return Match.Entry(try Value.code(value?.value, in: &coder), isNegated: isNegated)
  }
}
