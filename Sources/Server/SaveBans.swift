import AccessControl
import IPC
import System
import Wire

/// `save-bans`, for bssh-supervisor: writes the list of bans on descriptor 4 into a file, and says over the socket on
/// descriptor 3 why it cannot.
enum SaveBans {
  static func run(_ arguments: Arguments) throws(Failure) {
    let (socket, memory) = (MessageSocket(Descriptor(owning: 3)), Descriptor(owning: 4))
    guard let path = arguments.operand else { throw Arguments.usage("save-bans needs a file", for: .saveBans) }
    do {
      let bytes = try memory.read(count: BanList.sizeLimit + 1, at: 0)
      try BanFile.write(try BanList(wireBytes: bytes[...]).bans, to: path)
    } catch {
      let reason = LoaderResult.rejected(["\(path): \(error)"])
      _ = try? socket.send(reason.wireBytes, wait: true)
      throw Failure(.cannotCreate)
    }
  }
}
