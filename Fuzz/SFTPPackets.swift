import FileTransfer
import Glibc

/// An empty directory: nothing that a packet names is found, and nothing is changed.
private nonisolated(unsafe) let files: RootedFileSystem = {
  var template = Array("/tmp/bssh-fuzz-XXXXXX".utf8CString)
  guard unsafe mkdtemp(&template) != nil else { preconditionFailure("no directory to work in") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { rmdir(path) }
  guard let files = try? RootedFileSystem(root: path, isReadOnly: true) else { preconditionFailure("\(path)") }
  return files
}()

/// The input of an SFTP client after INIT: each packet gets exactly one reply, or ends the session.
func fuzz(_ bytes: [UInt8]) {
  var server = SFTPServer(unsafe files)
  var (packets, replies) = (SFTPPackets(), ReplyBuffer())
  packets.append([0, 0, 0, 5, 1, 0, 0, 0, 3])
  packets.append(bytes[...])
  do throws(SFTPViolation) {
    repeat {
      replies.sent(replies.unsent.count)
      try server.handle(&packets, &replies)
      check(replies.unsent)
    } while !replies.isEmpty
  } catch {
    check(replies.unsent)
  }
}

/// Replies are whole packets that do not exceed the limit of clients.
private func check(_ replies: ArraySlice<UInt8>) {
  var rest = replies
  while !rest.isEmpty {
    precondition(rest.count > 4)
    let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    precondition(length >= 5 && length <= 256 << 10 && rest.count >= 4 + length)
    rest = rest.dropFirst(4 + length)
  }
}
