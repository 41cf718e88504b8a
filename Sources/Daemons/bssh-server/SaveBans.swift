import AccessControl
import IPC
import System
import Wire

/// `save-bans`, for bssh-supervisor: writes the list of bans on descriptor 5 to a file, and reports errors over the
/// pipe on descriptor 4.
enum SaveBans {
  static func run(_ arguments: Arguments) throws(Failure) {
    let (socket, memory) = (MessageSocket.toSupervisor(), Descriptor(owning: 5))
    guard let path = arguments.operand else { throw Arguments.usage("save-bans needs a file", for: .saveBans) }
    do {
      let bytes = try memory.sealedMessage(limit: BanList.sizeLimit)
      try BanFile.write(try BanList(wireBytes: bytes[...]).bans, to: path)
    } catch {
      let reason = LoaderResult.rejected(["\(path): \(error)"])
      _ = try? socket.send(reason.wireBytes, wait: true)
      throw Failure(.cannotCreate)
    }
  }
}
