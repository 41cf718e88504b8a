/// How far a connection without a login has come: the less far, the sooner it is closed to make room for another.
public enum StartProgress: Int, CaseIterable, Sendable {
  /// Its client has sent nothing that leads to a key exchange.
  case connected
  /// Its client exchanges keys, or has not asked for a login since.
  case keyExchange
  /// Its client asked for a login: somebody may be typing a password.
  case asked
  /// It has passed a step of its login, or is ending: it is not closed for another.
  case settled
}
