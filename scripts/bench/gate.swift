import AccessControl
import Glibc

// The cost of the decision on a connection: with 100,000 ranges in the lists of addresses, half of them IPv6, and with
// 65,536 stored sources. Built and run by bench.py; prints lines `name figure`.

/// Numbers that are the same in every run. SplitMix64
struct Generator: RandomNumberGenerator {
  var state: UInt64 = 20_261_121

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

func nanoseconds() -> Int64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// Kilobytes of this process's private memory.
func memory() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
  let fields = line.prefix { $0 != 0 }.split(separator: CChar(32)).map { field in
    field.reduce(0) { $0 * 10 + Int($1) - 48 }
  }
  return (fields[1] - fields[2]) * 4
}

var generator = Generator()

func address(isIPv4: Bool) -> IPAddress {
  let bytes = (0..<(isIPv4 ? 4 : 16)).map { _ in UInt8.random(in: 0...255, using: &generator) }
  return IPAddress(bytes: bytes)!
}

let ranges = (0..<100_000).map { number in
  let isIPv4 = number % 2 == 0
  return AddressRange(
    around: address(isIPv4: isIPv4), prefixLength: Int.random(in: isIPv4 ? 12...32 : 32...128, using: &generator))
}
let gate = ConnectionGate(allowed: Array(ranges[..<50_000]), blocked: Array(ranges[50_000...]))
// Half of them are in one of the ranges: they reach the leaves of the trie, where random ones end early.
let addresses = (0..<1_000_000).map { number in
  number % 2 == 0 ? ranges[number % ranges.count].base : address(isIPv4: number % 4 == 1)
}
var open = 0
var started = nanoseconds()
for address in addresses { if case .open = gate.verdict(on: address) { open += 1 } }
print("lookup", Double(nanoseconds() - started) / Double(addresses.count))
precondition(open > 100_000 && open < 900_000)

let limits = SourceTable.Limits(
  rate: TokenBucket.Rate(perSecond: 10, burst: 100), failures: 5, keyFailures: 20, window: 300_000, banTime: 300_000,
  banFactor: 2, maxBanTime: 86_400_000)
var table = SourceTable(limits: limits)
let sources = (0..<2 * SourceTable.capacity).map { _ in ClientSource(address(isIPv4: false)) }
let before = memory()
for source in sources[..<SourceTable.capacity] { _ = table.fail(source, at: 0) }
precondition(table.count == SourceTable.capacity)
print("memory", memory() - before)
// A full table: every new source replaces another one.
started = nanoseconds()
for source in sources[SourceTable.capacity...] {
  _ = table.connect(source, at: 1000)
  _ = table.fail(source, at: 1000)
}
print("source", Double(nanoseconds() - started) / Double(SourceTable.capacity))
precondition(table.count == SourceTable.capacity)
