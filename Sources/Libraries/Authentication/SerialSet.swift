import Wire

/// A set of certificate serial numbers: single numbers, ranges and bitmaps. Each keeps its form, so that the set never
/// needs more memory than the list it came from.
struct SerialSet: Equatable, Sendable {
  /// Maximum size of a bitmap in bytes, as in OpenSSH.
  static let bitmapLimit = 2048

  private struct Bitmap: Equatable, Sendable {
    /// The serial number of the least significant bit.
    let first: UInt64
    /// Most significant byte first.
    let bits: [UInt8]

    func contains(_ serial: UInt64) -> Bool {
      guard serial >= first, serial - first < UInt64(bits.count * 8) else { return false }
      let bit = Int(serial - first)
      return bits[bits.count - 1 - bit / 8] >> UInt8(bit % 8) & 1 == 1
    }
  }

  /// After ``order()``: sorted by lower bound, without overlaps.
  private var ranges: [ClosedRange<UInt64>] = []
  /// After ``order()``: sorted by first number.
  private var bitmaps: [Bitmap] = []

  init() {}

  /// Adds a range. Call ``order()`` before ``contains(_:)``.
  mutating func insert(_ range: ClosedRange<UInt64>) { ranges.append(range) }

  /// Adds the numbers whose bits are set, counted from `first`. Call ``order()`` before ``contains(_:)``.
  ///
  /// - Parameter bitmap: most significant byte first, without leading zeros, at most ``bitmapLimit`` bytes.
  /// - Returns: false if the bitmap extends beyond the largest serial number.
  mutating func insert(bitmap: [UInt8], from first: UInt64) -> Bool {
    guard let highest = bitmap.first else { return true }
    guard first <= .max - UInt64(bitmap.count * 8 - 1 - highest.leadingZeroBitCount) else { return false }
    bitmaps.append(Bitmap(first: first, bits: bitmap))
    return true
  }

  /// Sorts the ranges and bitmaps and merges overlapping ranges.
  mutating func order() {
    bitmaps.sort { $0.first < $1.first }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var merged: [ClosedRange<UInt64>] = []
    for range in ranges {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    ranges = merged
  }

  /// True if the number was added. The set must be ordered.
  func contains(_ serial: UInt64) -> Bool {
    let after = ranges.partitionPoint { $0.lowerBound > serial }
    if after > 0, ranges[after - 1].contains(serial) { return true }
    var index = bitmaps.partitionPoint { $0.first > serial }
    while index > 0 {
      index -= 1
      if bitmaps[index].contains(serial) { return true }
      if serial - bitmaps[index].first >= UInt64(Self.bitmapLimit * 8) { break }
    }
    return false
  }
}

extension Array {
  /// The index of the first element for which `isPast` is true. All such elements must be at the end.
  fileprivate func partitionPoint(_ isPast: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if isPast(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
