import AccessControl
import Authentication
import Configuration
import IPC
import System
import Wire

/// A configuration as the loader hands it over; never changes.
final class LoadedSettings {
  let settings: Settings
  /// Sealed memory: the settings as they came, and the host keys, for authorities.
  let memory: Descriptor
  let hostKeys: [Descriptor]
  /// nil: not root.
  let accounts: ServiceAccounts?
  /// Sockets that systemd gave.
  let listeners: [Descriptor]
  /// Of the time before a restart; ``Ban/end`` counts from when these settings were loaded.
  let bans: [Ban]
  /// Where the journal is; nil: there is to be none.
  let journal: OpenDirectory?
  /// Where recordings are, as far as these directories can be used.
  let recordings: [OpenDirectory]
  /// For people.
  let warnings: [String]

  /// A directory, and which one it is.
  struct OpenDirectory {
    let directory: OpenedDirectory
    let descriptor: Descriptor
  }

  /// Why a loader's message is of no use.
  enum Problem: Error, Equatable {
    /// What it says is wrong with the configuration.
    case rejected([String])
    /// It is no message of a loader.
    case malformed(String)
  }

  /// Bytes that settings may have.
  static let sizeLimit = 16 << 20

  /// Takes the message and descriptors of a loader.
  init(_ message: [UInt8], _ descriptors: [Descriptor]) throws(Problem) {
    let result: LoaderResult
    do throws(WireError) {
      result = try LoaderResult(wireBytes: message[...])
    } catch {
      throw .malformed("the message of the loader cannot be read")
    }
    let loaded: LoadedConfiguration
    switch result {
    case .rejected(let problems): throw .rejected(problems)
    case .loaded(let configuration): loaded = configuration
    }
    let keyCount = Int(loaded.hostKeyCount)
    let count = 1 + keyCount + Int(loaded.listenerCount) + (loaded.hasBans ? 1 : 0)
    let directories = (loaded.journal.map { [$0] } ?? []) + loaded.recordings
    guard descriptors.count == count + directories.count, keyCount > 0 else {
      throw .malformed("the loader sent \(descriptors.count) descriptors")
    }
    memory = descriptors[0]
    hostKeys = Array(descriptors[1..<1 + keyCount])
    listeners = Array(descriptors[(1 + keyCount)...].prefix(Int(loaded.listenerCount)))
    let banMemory = loaded.hasBans ? descriptors[count - 1] : nil
    let open = zip(directories, descriptors[count...]).map { OpenDirectory(directory: $0, descriptor: $1) }
    journal = loaded.journal == nil ? nil : open.first
    recordings = Array(open.dropFirst(loaded.journal == nil ? 0 : 1))
    accounts = loaded.serviceAccounts
    warnings = loaded.warnings
    // Sealed memory can be read without waiting and does not change under its readers.
    guard memory.isSealedMemory, hostKeys.allSatisfy(\.isSealedMemory), banMemory?.isSealedMemory ?? true else {
      throw .malformed("the loader sent files that can change")
    }
    do {
      let bytes = try memory.read(count: Self.sizeLimit, at: 0)
      settings = try Settings(wireBytes: bytes[...])
      bans = try banMemory.map { try BanList(wireBytes: $0.read(count: BanList.sizeLimit, at: 0)[...]).bans } ?? []
    } catch {
      throw .malformed("the settings of the loader cannot be read: \(error)")
    }
  }
}
