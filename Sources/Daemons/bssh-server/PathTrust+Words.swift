import System

extension PathTrust {
  /// Why an open file cannot be trusted, as a sentence for people; nil when it can.
  func words(on file: Descriptor) -> String? {
    let status: FileStatus
    do throws(SystemError) { status = try file.status() } catch { return words(.error(error)) }
    do throws(Fault) { try check(file, status) } catch { return words(error) }
    return nil
  }

  private func words(_ fault: Fault) -> String {
    switch fault {
    case .owner(let name, let owner):
      return "'\(name)' belongs to uid \(owner); it must belong to root" + (user == 0 ? "" : " or to uid \(user)")
    case .writable(let name, let mode):
      let digits = String(mode, radix: 8)
      return "'\(name)' can be written by others (mode \(digits)); 'chmod go-w \(name)' prevents that"
    case .moved(let path): return "'\(path)' was moved or replaced meanwhile"
    case .error(let error): return "it cannot be seen who can write it: \(error)"
    }
  }
}
