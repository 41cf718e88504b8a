extension String {
  /// The text in quotation marks. Quotation marks and backslashes in it are escaped, so that untrusted text cannot
  /// pretend to end early.
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
