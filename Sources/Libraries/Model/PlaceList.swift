import Wire

/// A list of places that a login may reach, from one source: `forwarding.permit_open`, or a key's `permitopen=`.
public struct PlaceList: WireFields, Equatable {
  /// Limit of ``places``.
  public static let limit = 1024
  /// Limit of ``source`` in bytes.
  public static let sourceLimit = 8300

  /// What decides, for people and in events: `forwarding.permit_open`, `permitopen= of FILE:LINE`.
  public var source: String
  /// Empty: nothing is permitted.
  public var places: [ForwardingPlace]

  /// A list of these places from this source.
  public init(_ source: String, _ places: [ForwardingPlace]) {
    self.source = source
    self.places = places
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    source = try coder.text(value?.source, max: Self.sourceLimit)
    places = try coder.list(value?.places, max: Self.limit)
  }
}
