import Foundation
import Testing

extension Interop {
  /// Commonly used file transfer clients, with trees that are hard to copy, compared by checksum and metadata.
  @Suite(.serialized) struct TransferClients {
    @Test(
      .timeLimit(.minutes(4)),
      arguments: ["sftp", "scp", "rsync", "rclone", "lftp", "psftp", "pscp", "curl"])
    func `a client brings a tree there and back unchanged`(client: String) throws {
      try withDaemon { try $0.transfer("\(client)_client") }
    }

    @Test(.timeLimit(.minutes(4)), .enabled(if: canMount, "FUSE cannot be used here"))
    func `an sshfs mount shows existing files, and they change as on a disk`() throws {
      try withDaemon { try $0.transfer("sshfs_client") }
    }

    @Test(.timeLimit(.minutes(4))) func `sftp transfers 20,000 files in both directions`() throws {
      // 120,000 events, which other tests cover, would take most of the time.
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
    func `Python's clients transfer trees and large files in both directions`(claim: String) throws {
      try withDaemon { try $0.claim("transfer_clients.py", claim, within: 120) }
    }
  }
}

/// True if a FUSE file system can be mounted: as root, with the required device and sshfs.
let canMount: Bool = {
  let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
  if device >= 0 { close(device) }
  return isRoot && device >= 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/sshfs")
}()

extension Daemon {
  /// Runs one client of transfer.sh, which fails with the differences.
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
