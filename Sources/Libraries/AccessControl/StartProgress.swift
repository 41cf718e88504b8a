/// The progress of a connection without a login. The less, the sooner it is closed to make room for another.
public enum StartProgress: Int, CaseIterable, Sendable {
  /// The client has not begun a key exchange.
  case connected
  /// The client has begun a key exchange and not requested a login.
  case keyExchange
  /// The client has requested a login; a user may be typing a password.
  case asked
  /// The client has passed an authentication step, or the connection is ending. It is not closed to make room.
  case settled
}
