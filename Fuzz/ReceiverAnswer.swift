import Export
import JournalReader

/// The replies of a receiver of events, over HTTP and over gRPC; and the possible contents of cursor and journal files.
func fuzz(_ bytes: [UInt8]) {
  var answer = OTLPResponse()
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  for line in parts[0].split(separator: UInt8(ascii: "\n")) {
    answer.add(headerLine: String(decoding: line, as: UTF8.self))
  }
  answer.body = Array(parts.count > 1 ? parts[1] : [])
  for status in [200, 400, 401, 413, 429, 503] {
    answer.status = status
    for isJSON in [false, true] { look(at: answer.httpOutcome(isJSON: isJSON, now: 1_700_000_000)) }
    look(at: answer.grpcOutcome())
  }
  if let cursor = Cursor(bytes) { precondition(Cursor(Array(cursor.text.utf8)) == cursor) }
  var rest = bytes[...]
  var lines = LineReader(limit: 1000) { (count) throws(ReadError) in
    defer { rest = rest.dropFirst(7) }
    return Array(rest.prefix(min(count, 7)))
  }
  var end: UInt64 = 0
  while let line = try? lines.next() {
    precondition(lines.offset >= end)
    switch line {
    case .whole(let line):
      precondition(lines.offset == end && line.count <= 1000)
      _ = LineHead(line)
      _ = LineHead.time(of: line)
      end += UInt64(line.count) + 1
    case .tooLong: end = UInt64(bytes[Int(end)...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count)
    case .rest(let line):
      precondition(lines.offset == end)
      end += UInt64(line.count)
    }
  }
  precondition(end == UInt64(bytes.count))
}

private func look(at outcome: OTLPOutcome) {
  switch outcome {
  case .taken(_, let message): precondition(message.utf8.count <= 1 << 13)
  case .failed(let reason, let wanted, _):
    precondition(reason.utf8.count <= 1 << 13)
    precondition((wanted ?? 0) >= 0)
  case .refused(let reason, _): precondition(reason.utf8.count <= 1 << 13)
  }
}
