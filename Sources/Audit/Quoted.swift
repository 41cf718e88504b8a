extension String {
  /// The text in quotation marks, with a backslash before each such mark and each backslash in it: where it ends is
  /// where it seems to end, whoever chose it.
  ///
  /// - Parameter mark: `'` or `"`.
  public func quoted(by mark: Unicode.Scalar = "'") -> String {
    var text = String(mark)
    for scalar in unicodeScalars {
      if scalar == mark || scalar == "\\" { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    text.unicodeScalars.append(mark)
    return text
  }
}
