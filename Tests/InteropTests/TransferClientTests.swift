import Foundation
import Testing

extension Interop {
  /// Clients of file transfer that people use, with trees that are hard to copy, compared by checksum and metadata.
  @Suite(.serialized) struct TransferClients {
    @Test(
      .timeLimit(.minutes(4)),
      arguments: ["sftp", "scp", "rsync", "rclone", "lftp", "psftp", "pscp", "curl"])
    func `a client brings a tree there and back unchanged`(client: String) throws {
      try withDaemon { try $0.transfer("\(client)_client") }
    }

    @Test(.timeLimit(.minutes(4)), .enabled(if: canMount, "FUSE cannot be used here"))
    func `sshfs mounts what is there, and files change as on a disk`() throws {
      try withDaemon { try $0.transfer("sshfs_client") }
    }

    @Test(.timeLimit(.minutes(4))) func `sftp brings 20,000 files there and back`() throws {
      // 120,000 events, which are the others' matter, would take most of the time.
      try withDaemon(audit: ["enabled": "false"]) { daemon throws in
        daemon.keepsJournal = false
        try daemon.transfer("sftp_many", within: 200)
      }
    }

    @Test(.timeLimit(.minutes(4))) func `sftp resumes 10 GB in both directions`() throws {
      try withDaemon { try $0.transfer("sftp_large") }
    }

    @Test(
      .timeLimit(.minutes(4)),
      arguments: [
        "paramiko-prefetch", "paramiko-tree", "paramiko-beyond-4-gib", "asyncssh-sftp", "asyncssh-scp",
      ])
    func `Python's clients bring trees and large files there and back`(claim: String) throws {
      try withDaemon { try $0.claim("transfer_clients.py", claim, within: 120) }
    }
  }
}

/// Whether a file system of FUSE can be mounted: as root, with the device that this needs.
private let canMount: Bool = {
  let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
  if device >= 0 { close(device) }
  return isRoot && device >= 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/sshfs")
}()

extension Daemon {
  /// Runs one client of transfer.sh, which fails with what differs.
  fileprivate func transfer(
    _ client: String, within seconds: Double = 120, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try run(
      ["bash", Daemon.client("transfer.sh"), client], environment: environment, within: seconds)
    if outcome.status != 0 {
      let text = "\(client): \(outcome.output.suffix(4000))\(outcome.errors.suffix(4000))"
      Issue.record("\(text)\nlog:\n\(log.all.suffix(4000))", sourceLocation: sourceLocation)
    }
  }
}
