import Configuration
import IPC
import System

/// A program of ours with its parameters. Accounts are nil if the daemon does not run as root.
enum Program {
  case authority(ServiceAccounts?)
  case transportZygote(ServiceAccounts?)
  case sessionZygote
  case scopes
  /// `bssh-server load` with these arguments.
  case loader([String], directory: String?)
  case journal(ServiceAccounts?)
  case recorder(ServiceAccounts?)
  case exporter(ServiceAccounts?, settings: Descriptor, journal: Descriptor)
  case journalOpener(JournalSettings)
  /// `memory` contains the list of bans.
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
  /// The request that starts a program.
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
