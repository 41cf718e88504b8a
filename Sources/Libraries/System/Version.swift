/// The version of every executable of this package.
public let version = "0.1.0"
