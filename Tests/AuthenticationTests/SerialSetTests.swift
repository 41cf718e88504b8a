import TestSupport
import Testing

@testable import Authentication

@Suite struct SerialSetTests {
  @Test(arguments: 0..<40) func `a set answers like a naive implementation`(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var set = SerialSet()
    var naive: Set<UInt64> = []
    for _ in 0..<Int.random(in: 1...40, using: &random) {
      let first = UInt64.random(in: 0...600, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        set.insert(first...first)
        naive.insert(first)
      case 1:
        let last = first + UInt64.random(in: 0...30, using: &random)
        set.insert(first...last)
        naive.formUnion(first...last)
      default:
        let bits = (0..<Int.random(in: 0...6, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let bitmap = Array(bits.drop { $0 == 0 })
        let fits = set.insert(bitmap: bitmap, from: first)
        #expect(fits)
        for (index, byte) in bitmap.reversed().enumerated() {
          for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { naive.insert(first + UInt64(index * 8 + bit)) }
        }
      }
    }
    set.order()
    for serial: UInt64 in 0...800 { #expect(set.contains(serial) == naive.contains(serial), "\(serial)") }
    #expect(!set.contains(.max))
  }

  @Test func `the longest bitmap is searched from its first bit to its last`() {
    var set = SerialSet()
    let bits = [0x80] + [UInt8](repeating: 0, count: SerialSet.bitmapLimit - 2) + [1]
    let fits = set.insert(bitmap: bits, from: 1000)
    #expect(fits)
    // Bitmaps that begin later must not hide it.
    for first: UInt64 in 1001..<1100 { _ = set.insert(bitmap: [1], from: first * 7) }
    set.order()
    let last = 1000 + UInt64(SerialSet.bitmapLimit * 8 - 1)
    #expect(set.contains(1000) && set.contains(last))
    #expect(!set.contains(999) && !set.contains(last - 1) && !set.contains(last + 1))
  }
}
