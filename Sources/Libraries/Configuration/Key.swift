/// A key of the configuration: a row of the table, from which everything else about the key is derived. Its default is
/// the initial value of its property, which is declared in the same file.
public struct Key: Sendable {
  /// The sections and the name: `server.port`.
  public let path: String
  /// The last part of the path.
  let name: String
  /// The form of values: `a whole number from 1 to 65535`.
  public let form: String
  /// The description for the template and the manual, in lines of about 100 characters.
  public let meaning: [String]
  /// The variables that set it, first the one that is derived from its path; empty: it can only be set in a file.
  public let variables: [String]
  /// The option of the command line that sets it: `-p`.
  public let option: String?
  /// True if a variable contains several values, separated by commas.
  public let isList: Bool
  /// The value in the template if the default would not show the form.
  let example: Rendering?
  let parse: @Sendable (Node, inout UnresolvedSettings, inout ValueDiagnostics) -> Void
  let render: @Sendable (UnresolvedSettings) -> Rendering
  /// The schema of values, with the meaning and the default of the key.
  var schema: JSONSchema {
    valueSchema.described(meaning.joined(separator: " "), default: render(UnresolvedSettings()))
  }
  let valueSchema: JSONSchema
  /// The property that is sent to other processes.
  let field: any SettingField<UnresolvedSettings>
  /// Copies the value of this key from the first to the second.
  let copy: @Sendable (UnresolvedSettings, inout UnresolvedSettings) -> Void

  /// A key that sets `target`. `alias`: the name of the variable in bssh, if it is not derived from the path.
  init<Value: SettingValue>(
    _ path: String, _ type: ValueType<Value>, _ target: WritableKeyPath<UnresolvedSettings, Value> & Sendable,
    alias: String? = nil, option: String? = nil, example: Value? = nil, _ meaning: String...
  ) {
    self.init(
      path, type, target, becomes: target, alias: alias, option: option, example: example, meaning: meaning)
  }

  /// A key whose value is converted while loading, such as a path to the content of the file. The result is sent to other
  /// processes.
  init<Value: Sendable, Content: SettingValue>(
    _ path: String, _ type: ValueType<Value>, _ target: WritableKeyPath<UnresolvedSettings, Value> & Sendable,
    becomes content: WritableKeyPath<UnresolvedSettings, Content> & Sendable, alias: String? = nil,
    option: String? = nil,
    _ meaning: String...
  ) {
    self.init(path, type, target, becomes: content, alias: alias, option: option, example: nil, meaning: meaning)
  }

  private init<Value: Sendable, Content: SettingValue>(
    _ path: String, _ type: ValueType<Value>, _ target: WritableKeyPath<UnresolvedSettings, Value> & Sendable,
    becomes content: WritableKeyPath<UnresolvedSettings, Content> & Sendable, alias: String?, option: String?,
    example: Value?,
    meaning: [String]
  ) {
    self.path = path
    name = path.split(separator: ".").last.map(String.init) ?? path
    form = type.description
    valueSchema = type.schema
    self.meaning = meaning
    variables = type.isFileOnly ? [] : [Self.variable(for: path)] + (alias.map { [$0] } ?? [])
    self.option = option
    isList = type.isList
    self.example = example.map(type.render)
    parse = { node, choices, faults in
      if let value = type.parse(node, &faults) { choices[keyPath: target] = value }
    }
    render = { type.render($0[keyPath: target]) }
    field = KeyPathField(path: content)
    copy = {
      $1[keyPath: target] = $0[keyPath: target]
      $1[keyPath: content] = $0[keyPath: content]
    }
  }

  /// `BSSH_SERVER_PORT` for `server.port`.
  static func variable(for path: String) -> String {
    "BSSH_" + path.uppercased().split(separator: ".").joined(separator: "_")
  }
}
