/// A D-Bus message or conversation that cannot be continued.
public enum BusError: Error, Equatable, Sendable {
  /// The message ends within a value.
  case truncated
  /// A message or a line of the authentication is longer than its limit.
  case tooLong
  /// The bytes are not valid for their type.
  case malformed
  /// The peer refuses to authenticate us, or to do what nothing works without; with its line or error name.
  case refused(String)
}
