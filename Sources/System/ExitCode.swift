/// How our processes end: sysexits(3).
public enum ExitCode {
  public static let success: Int32 = 0
  /// The command line is wrong.
  public static let usage: Int32 = 64
  /// A service is not to be had.
  public static let unavailable: Int32 = 69
  /// A fault of ours.
  public static let software: Int32 = 70
  /// The system refused something.
  public static let operatingSystem: Int32 = 71
  /// A file cannot be made.
  public static let cannotCreate: Int32 = 73
  /// Another of our processes said what it may not say.
  public static let protocolError: Int32 = 76
  /// The configuration is wrong.
  public static let configuration: Int32 = 78
}
