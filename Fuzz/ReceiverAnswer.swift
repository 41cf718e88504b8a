import Export

/// What a receiver of events answers, over HTTP and over gRPC; and what may stand where a cursor and a journal should be.
func fuzz(_ bytes: [UInt8]) {
  var answer = OTLPAnswer()
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  for line in parts[0].split(separator: UInt8(ascii: "\n")) {
    answer.take(headerLine: String(decoding: line, as: UTF8.self))
  }
  answer.body = Array(parts.count > 1 ? parts[1] : [])
  for status in [200, 400, 401, 413, 429, 503] {
    answer.status = status
    for isJSON in [false, true] { look(at: answer.httpOutcome(isJSON: isJSON, now: 1_700_000_000)) }
    look(at: answer.grpcOutcome())
  }
  if let cursor = Cursor(bytes) { precondition(Cursor(Array(cursor.text.utf8)) == cursor) }
  var splitter = LineSplitter()
  var end: UInt64 = 0
  for line in splitter.take(bytes) {
    precondition(line.offset == end)
    end += UInt64(line.bytes.count) + 1
    _ = LineHead(line.bytes)
  }
  precondition(splitter.lineOffset == end)
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
