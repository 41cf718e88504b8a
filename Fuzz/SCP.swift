import FileTransfer
import IPC
import Model

/// The input of an scp client: as a command line, to a sink as a whole and byte by byte, and as replies to a source.
func fuzz(_ bytes: [UInt8]) {
  if let command = SCPCommand.parse(bytes) {
    precondition(!command.paths.isEmpty)
    for word in command.paths { precondition(word.bytes.count == word.isBare.count && !word.bytes.contains(0)) }
  }
  let pieces = (bytes.first.map { Int($0) } ?? 0) % 7 + 1
  let whole = receive(bytes.dropFirst(), pieces: .max)
  precondition(whole == receive(bytes.dropFirst(), pieces: pieces))

  var responses = SCPResponseMachine()
  var input = bytes[...]
  while (try? responses.next(&input)) != nil {}
}

/// The result of a sink: the records, the number of bytes of files, and whether the protocol was violated.
private func receive(_ bytes: ArraySlice<UInt8>, pieces: Int) -> [String] {
  var machine = SCPSinkMachine(isRecursive: true)
  var result: [String] = []
  var data = 0
  var rest = bytes
  do throws(SCPViolation) {
    while !rest.isEmpty {
      var piece = rest.prefix(pieces)
      rest = rest.dropFirst(pieces)
      while let action = try machine.next(&piece) {
        switch action {
        case .file(let entry, _), .directory(let entry, _):
          precondition(!entry.name.isEmpty && !entry.name.contains(UInt8(ascii: "/")))
          precondition(entry.name != Array(".".utf8) && entry.name != Array("..".utf8))
          precondition(entry.mode <= 0o7777 && entry.size <= UInt64(Int64.max))
          result.append("\(action) after \(data)")
          machine.answer(accepted: entry.mode & 1 == 0)
        case .data(let part): data += part.count
        case .acknowledge, .fileEnded, .directoryEnded, .problem: result.append("\(action) after \(data)")
        }
      }
    }
    try machine.end()
  } catch {
    result.append(error.description)
  }
  return result
}
