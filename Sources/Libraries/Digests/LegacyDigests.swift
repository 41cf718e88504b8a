/// SHA-1, for clients that offer nothing better. No protection against an attacker. FIPS 180-4, section 6.1
public struct SHA1: BlockFunction {
  public static let blockSize = 64
  public static let lengthSize = 8
  public static let isLittleEndian = false

  private var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
  private var schedule = [UInt32](repeating: 0, count: 80)

  public init() {}

  public mutating func add(_ bytes: ArraySlice<UInt8>, at start: Int) {
    for i in 0..<16 {
      var word: UInt32 = 0
      for j in 0..<4 { word = word << 8 | UInt32(bytes[start + 4 * i + j]) }
      schedule[i] = word
    }
    for i in 16..<80 {
      schedule[i] = (schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16]).rotated(left: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for i in 0..<80 {
      let (mix, constant): (UInt32, UInt32) =
        switch i {
        case ..<20: ((b & c) | (~b & d), 0x5a82_7999)
        case ..<40: (b ^ c ^ d, 0x6ed9_eba1)
        case ..<60: ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc)
        default: (b ^ c ^ d, 0xca62_c1d6)
        }
      let next = a.rotated(left: 5) &+ mix &+ e &+ constant &+ schedule[i]
      (e, d, c, b, a) = (d, c, b.rotated(left: 30), a, next)
    }
    for (i, value) in [a, b, c, d, e].enumerated() { state[i] &+= value }
  }

  public var result: [UInt8] { state.flatMap { $0.bytes } }
}

/// MD5, for clients that offer nothing better. No protection against an attacker. RFC 1321
public struct MD5: BlockFunction {
  public static let blockSize = 64
  public static let lengthSize = 8
  public static let isLittleEndian = true

  private static let shifts: [[UInt32]] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]
  private static let constants: [UInt32] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a,
    0xa830_4613, 0xfd46_9501, 0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821, 0xf61e_2562, 0xc040_b340,
    0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8,
    0x676f_02d9, 0x8d2a_4c8a, 0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70, 0x289b_7ec6, 0xeaa1_27fa,
    0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92,
    0xffef_f47d, 0x8584_5dd1, 0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
  ]

  private var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
  private var words = [UInt32](repeating: 0, count: 16)

  public init() {}

  public mutating func add(_ bytes: ArraySlice<UInt8>, at start: Int) {
    for i in 0..<16 {
      var word: UInt32 = 0
      for j in 0..<4 { word |= UInt32(bytes[start + 4 * i + j]) << UInt32(8 * j) }
      words[i] = word
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    for i in 0..<64 {
      let (mix, place) =
        switch i / 16 {
        case 0: ((b & c) | (~b & d), i)
        case 1: ((d & b) | (~d & c), (5 * i + 1) % 16)
        case 2: (b ^ c ^ d, (3 * i + 5) % 16)
        default: (c ^ (b | ~d), 7 * i % 16)
        }
      let sum = a &+ mix &+ MD5.constants[i] &+ words[place]
      (a, d, c, b) = (d, c, b, b &+ sum.rotated(left: MD5.shifts[i / 16][i % 4]))
    }
    for (i, value) in [a, b, c, d].enumerated() { state[i] &+= value }
  }

  public var result: [UInt8] { state.flatMap { $0.byteSwapped.bytes } }
}
