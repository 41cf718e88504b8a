import AccessControl
import Authentication
import Configuration
import IPC
import System
import Wire

/// A configuration from the loader. It is immutable.
final class LoadedSettings {
  let settings: Settings
  /// Sealed memory with the encoded settings, and with each host key, for authorities.
  let memory: Descriptor
  let hostKeys: [Descriptor]
  /// The accounts of our processes; nil: the daemon does not run as root.
  let accounts: ServiceAccounts?
  /// The listening sockets that systemd passed.
  let listeners: [Descriptor]
  /// Bans from before a restart; ``Ban/end`` is relative to the time when these settings were loaded.
  let bans: [Ban]
  /// The directory of the journal; nil: no journal is configured.
  let journal: OpenDirectory?
  /// The directories of recordings that can be used.
  let recordings: [OpenDirectory]
  /// Warnings for the log.
  let warnings: [String]

  /// An open directory with its identity.
  struct OpenDirectory {
    let directory: OpenedDirectory
    let descriptor: Descriptor
  }

  /// Why a loader's message is not accepted.
  enum LoadError: Error, Equatable {
    /// The loader rejects the configuration with these errors.
    case rejected([String])
    /// The message is invalid.
    case malformed(String)
  }

  /// Maximum size of encoded settings, in bytes.
  static let sizeLimit = 16 << 20

  /// Decodes the message and the descriptors of a loader.
  ///
  /// - Throws: `LoadError`, see its cases.
  init(_ message: [UInt8], _ descriptors: [Descriptor]) throws(LoadError) {
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
    // Reading sealed memory never blocks, and its contents cannot change.
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
