import Configuration
import IPC
import System

/// A program of ours, and what it is started with. Accounts are nil when the daemon is not root.
enum Program {
  case authority(ServiceAccounts?)
  case transportZygote(ServiceAccounts?)
  case sessionZygote
  case scopes
  /// `bssh-server` with these arguments, to load the configuration again.
  case loader([String], directory: String?)
  case journal(ServiceAccounts?)
  case recorder(ServiceAccounts?)
  case exporter(ServiceAccounts?, settings: Descriptor, journal: Descriptor)
  case journalOpener(JournalSettings)
  /// The list of bans is in `memory`.
  case banWriter(path: String, memory: Descriptor)

  var role: Child.Role {
    switch self {
    case .authority: .authority
    case .transportZygote: .transportZygote
    case .sessionZygote: .sessionZygote
    case .scopes: .scopes
    case .loader: .loader
    case .journal: .journal
    case .recorder: .recorder
    case .exporter: .exporter
    case .journalOpener: .journalOpener
    case .banWriter: .banWriter
    }
  }
}

extension Programs {
  /// How a program is started.
  func request(_ program: Program, ends: Ends) -> ChildProcess.Request {
    switch program {
    case .authority(let accounts): authority(accounts, ends: ends)
    case .transportZygote(let accounts): transportZygote(accounts, ends: ends)
    case .sessionZygote: sessionZygote(ends: ends)
    case .scopes: scopes(ends: ends)
    case .loader(let arguments, let directory): loader(arguments, directory: directory, ends: ends)
    case .journal(let accounts): journal(accounts, ends: ends)
    case .recorder(let accounts): recorder(accounts, ends: ends)
    case .exporter(let accounts, let settings, let directory):
      exporter(accounts, ends: ends, settings: settings, journal: directory)
    case .journalOpener(let settings): journalOpener(settings, ends: ends)
    case .banWriter(let path, let memory): banWriter(path, memory, ends: ends)
    }
  }
}
