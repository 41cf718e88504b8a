import AccessControl
import Authentication
import Filter
import Model
import Wire

/// A type of values of keys, with its wire format between bssh-server, which loads the configuration, and the other
/// processes.
///
/// Reading fails for malformed data, but does not repeat the checks of the loader, which is trusted.
protocol SettingValue: Equatable, Sendable {
  /// Codes one value, as the functions of `FieldCoder`: `value` is nil when reading; returns what was read.
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self
  static func code<Coder: FieldCoder>(list: [Self]?, in coder: inout Coder) throws(Coder.Failure) -> [Self]
}

extension SettingValue {
  static func code<Coder: FieldCoder>(list: [Self]?, in coder: inout Coder) throws(Coder.Failure) -> [Self] {
    try code(list: list, atMost: .max, in: &coder)
  }

  static func code<Coder: FieldCoder>(
    list: [Self]?, atMost most: Int, in coder: inout Coder
  ) throws(Coder.Failure) -> [Self] {
    let count = try coder.count(list?.count, max: most)
    var values: [Self] = []
    for index in 0..<count {
      values.append(try code(list.flatMap { $0.indices.contains(index) ? $0[index] : nil }, in: &coder))
    }
    return values
  }
}

extension SettingValue where Self: WireFields {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    try coder.value(value)
  }
}

/// A type that is also part of a message.
extension SettingValue where Self: KeyedEntry & WireFields {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    try coder.value(value)
  }
}

extension SettingValue where Self: FixedWidthInteger {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    try coder.number(value)
  }
}

extension SettingValue where Self: CaseIterable, AllCases == [Self] {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    try coder.choice(value)
  }
}

extension AddressRange: SettingValue {}
extension EnvironmentVariable: SettingValue {}

extension FilterRule: SettingValue {
  static func code<Coder: FieldCoder>(list: [Self]?, in coder: inout Coder) throws(Coder.Failure) -> [Self] {
    try code(list: list, atMost: TransferFilter.ruleLimit, in: &coder)
  }
}

extension AuthenticationMachine.Method: SettingValue {}
extension AuthenticationMachine.PermitRoot: SettingValue {}
extension AuthenticationMachine.Step: SettingValue {}
extension FilterAction: SettingValue {}
extension LoginRules.LockedAccounts: SettingValue {}
extension OneTimeSecret.Algorithm: SettingValue {}
extension OneTimeSecret.Digits: SettingValue {}

extension Int: SettingValue {}
extension UInt16: SettingValue {}
extension UInt32: SettingValue {}
extension UInt64: SettingValue {}

/// Lists of bytes are contents of files, and are coded as `string`.
extension UInt8: SettingValue {
  static func code<Coder: FieldCoder>(list: [UInt8]?, in coder: inout Coder) throws(Coder.Failure) -> [UInt8] {
    try coder.bytes(list, max: .max)
  }
}

extension Bool: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Bool?, in coder: inout Coder) throws(Coder.Failure) -> Bool {
    try coder.flag(value)
  }
}

extension String: SettingValue {
  static func code<Coder: FieldCoder>(_ value: String?, in coder: inout Coder) throws(Coder.Failure) -> String {
    try coder.text(value, max: .max)
  }
}

extension NamePattern: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    NamePattern(try String.code(value?.description, in: &coder))
  }
}

extension UserPattern: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    UserPattern(
      name: try .code(value?.name, in: &coder), addresses: try AddressRange?.code(value?.addresses, in: &coder))
  }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Wrapped??, in coder: inout Coder) throws(Coder.Failure) -> Wrapped? {
    let value = value ?? nil
    return try coder.flag(value != nil) ? try Wrapped.code(value, in: &coder) : nil
  }
}

extension Array: SettingValue where Element: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    try Element.code(list: value, in: &coder)
  }
}

/// A value that is not sent: it has no bytes on the wire.
struct Nothing: SettingValue {
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Nothing {
    Nothing()
  }
}

/// The property of `Root` that contains the value of a key.
protocol SettingField<Root>: Sendable {
  associatedtype Root: Sendable
  /// Codes the property of `value`, which is nil when reading, and sets that of `root` to the result.
  func code<Coder: FieldCoder>(_ value: Root?, into root: inout Root, in coder: inout Coder) throws(Coder.Failure)
}

struct KeyPathField<Root: Sendable, Value: SettingValue>: SettingField {
  let path: WritableKeyPath<Root, Value> & Sendable

  func code<Coder: FieldCoder>(_ value: Root?, into root: inout Root, in coder: inout Coder) throws(Coder.Failure) {
    root[keyPath: path] = try Value.code(value?[keyPath: path], in: &coder)
  }
}
