/// What is wrong with bytes of a bus.
public enum BusError: Error, Equatable, Sendable {
  /// The message ends before the value does.
  case truncated
  /// A length or a number is over the limit of its place.
  case tooLong
  /// The bytes are not what their type says.
  case malformed
  /// The peer does not take us for who we are, or does not speak as the specification says.
  case refused(String)
}
