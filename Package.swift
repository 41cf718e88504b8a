// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Targets and what each may import: Documentation/ARCHITECTURE.md. A reason for a target is that another
// process links it, that a C library ends there, or that it must contain no unsafe code.

/// Swift without C: strict memory safety, and every warning is an error.
let safe: [SwiftSetting] = [.strictMemorySafety(), .treatAllWarnings(as: .error)]

/// As `safe`, and optimized in a debug build as well: the journal hashes and writes every event of every test, and
/// exporters read it.
let fast: [SwiftSetting] = safe + [.unsafeFlags(["-O"])]

/// Swift around C or system calls: every warning is an error.
let wrapping: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Functions that are replaced to add mlkem768x25519-sha256.
let wrappedForHybrid = [
  "ssh_find_all_matching", "ssh_find_matching", "ssh_server_curve25519_init", "sha256", "ssh_buffer_add_ssh_string",
  "ssh_kdf",
]

/// True if libssh has mlkem768x25519-sha256 itself: 0.12 and later. hybrid.h has the same condition; if the two
/// disagree, the executable does not link.
let hasHybrid = {
  let header = (try? String(contentsOfFile: "/usr/include/libssh/libssh_version.h", encoding: .utf8)) ?? ""
  func number(_ name: String) -> Int? {
    header.split(separator: "\n").first { $0.hasPrefix("#define LIBSSH_VERSION_\(name) ") }?
      .split(separator: " ").last.flatMap { Int($0) }
  }
  guard let major = number("MAJOR"), let minor = number("MINOR") else { return false }
  return (major, minor) >= (0, 12)
}()

/// Functions of libssh.a that Sources/C/CLibSSH replaces at link time; Documentation/LIBSSH.md says why each.
let wrapped =
  (hasHybrid ? [] : wrappedForHybrid) + [
    "ssh_srv_pki_do_sign_sessionid", "ssh_pki_export_privkey_to_pubkey", "pki_sign_data",
    "ssh_pki_signature_verify", "ssh_buffer_add_u8", "ssh_buffer_get_u8", "ssh_buffer_pass_bytes_end",
    "ssh_get_random", "strdup", "poll", "recv", "send",
  ]

/// C: every warning is an error.
let strict: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Wconversion", "-Werror"])]

/// For every executable: all addresses are looked up at start, and then none can be overwritten.
let hardened: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]

/// What whoever builds says of the build, for `bssh-server version`: scripts/common.sh does.
let build: [CSetting] = ["BSSH_COMMIT", "BSSH_LIBSSH_PACKAGE"].compactMap { name in
  Context.environment[name].map { value in
    .define(name, to: "\"\(value.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".+~:-".contains($0)) })\"")
  }
}

/// A library in Sources/Libraries.
func library(_ name: String, _ uses: [Target.Dependency], _ settings: [SwiftSetting] = safe) -> Target {
  .target(name: name, dependencies: uses, path: "Sources/Libraries/\(name)", swiftSettings: settings)
}

/// An executable in Sources/Daemons, in a folder with its name.
func daemon(
  _ name: String, _ executable: String, _ uses: [Target.Dependency], _ settings: [SwiftSetting] = safe
) -> Target {
  .executableTarget(
    name: name, dependencies: uses, path: "Sources/Daemons/\(executable)", exclude: ["README.md"],
    swiftSettings: settings)
}

/// The module map of a C library that the system has.
func systemLibrary(_ name: String, _ pkgConfig: String, package: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
  name: "bssh-server",
  products: [
    .executable(name: "bssh-server", targets: ["Server"]),
    .executable(name: "bssh-supervisor", targets: ["Supervisor"]),
    .executable(name: "bssh-transport", targets: ["Transport"]),
    .executable(name: "bssh-authority", targets: ["Authority"]),
    .executable(name: "bssh-session", targets: ["Session"]),
    .executable(name: "bssh-transfer", targets: ["Transfer"]),
    .executable(name: "bssh-journal", targets: ["Journal"]),
    .executable(name: "bssh-recorder", targets: ["Recorder"]),
    .executable(name: "bssh-exporter", targets: ["Exporter"]),
  ],
  targets: [
    // C
    .target(name: "CLinux", path: "Sources/C/CLinux", cSettings: strict, linkerSettings: hardened),
    .target(name: "CBuild", path: "Sources/C/CBuild", cSettings: strict + build),
    .target(
      name: "CLibSSH", path: "Sources/C/CLibSSH",
      cSettings: strict,
      linkerSettings: [
        .unsafeFlags(wrapped.flatMap { ["-Xlinker", "--wrap=\($0)"] } + ["-l:libssh.a"]),
        .linkedLibrary("crypto"), .linkedLibrary("z"),
      ]),
    systemLibrary("CArgon2", "libargon2", package: "libargon2-dev"),
    systemLibrary("COpenSSL", "libcrypto", package: "libssl-dev"),
    systemLibrary("CCrypt", "libcrypt", package: "libcrypt-dev"),
    systemLibrary("CYAML", "yaml-0.1", package: "libyaml-dev"),
    systemLibrary("CQREncode", "libqrencode", package: "libqrencode-dev"),
    systemLibrary("CCurl", "libcurl", package: "libcurl4-openssl-dev"),
    systemLibrary("CZlib", "zlib", package: "zlib1g-dev"),
    systemLibrary("CSeccomp", "libseccomp", package: "libseccomp-dev"),

    // Swift
    library("System", ["CLinux", "Wire"], wrapping),
    library("Wire", [], fast),
    library("AccessControl", ["Audit", "Wire"]),
    library("Audit", ["Digests", "Wire"], fast),
    library("Authentication", ["AccessControl", "Audit", "Filter", "Model", "Wire"]),
    library("Digests", [], fast),
    library("Model", ["AccessControl", "Audit", "Filter", "Wire"]),
    library("Export", ["Audit", "JournalReader", "Wire"], fast),
    library("Filter", ["Wire"]),
    library("Configuration", ["AccessControl", "Authentication", "Filter", "IPC", "Model", "Wire"]),
    library("IPC", ["AccessControl", "Audit", "Filter", "Model", "Wire"]),
    library("Credentials", ["Authentication", "System", "Wire", "COpenSSL", "CArgon2"], wrapping),

    library("FileTransfer", ["Audit", "Digests", "Filter", "IPC", "Model", "System", "Wire"]),
    library("SystemBus", []),
    library("Gzip", ["CZlib"], wrapping),
    library("JournalReader", ["Audit", "Gzip", "System", "Wire"], fast),
    library("Zygote", ["IPC", "System", "Wire"]),

    // Executables
    daemon(
      "Server", "bssh-server",
      [
        "AccessControl", "Audit", "Authentication", "Configuration", "Credentials", "Filter", "IPC", "JournalReader",
        "Model", "System", "Wire", "CBuild", "CQREncode", "CYAML",
      ], wrapping),
    daemon(
      "Supervisor", "bssh-supervisor",
      ["AccessControl", "Audit", "Authentication", "Configuration", "Filter", "IPC", "Model", "System", "Wire"]),
    daemon(
      "Transport", "bssh-transport", ["Audit", "IPC", "System", "Wire", "Zygote", "CLibSSH", "COpenSSL", "CSeccomp"],
      wrapping),
    daemon(
      "Authority", "bssh-authority",
      [
        "AccessControl", "Audit", "Authentication", "Configuration", "Credentials", "Filter", "IPC", "Model", "System",
        "Wire",
        "CCrypt",
      ], wrapping),
    daemon(
      "Session", "bssh-session",
      ["AccessControl", "Audit", "Filter", "IPC", "Model", "System", "SystemBus", "Wire", "Zygote"]),

    daemon("Transfer", "bssh-transfer", ["FileTransfer", "Filter", "IPC", "Model", "System", "Wire"]),
    daemon(
      "Exporter", "bssh-exporter", ["Audit", "Export", "Gzip", "IPC", "JournalReader", "System", "Wire", "CCurl"],
      wrapping),

    daemon("Journal", "bssh-journal", ["Audit", "Gzip", "IPC", "JournalReader", "System", "Wire"]),
    daemon("Recorder", "bssh-recorder", ["IPC", "System"]),

    // Tests
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: safe),
    .testTarget(name: "AccessControlTests", dependencies: ["AccessControl", "TestSupport", "Wire"]),
    .testTarget(name: "AuditTests", dependencies: ["Audit", "Digests", "TestSupport", "Wire"]),
    .testTarget(
      name: "AuthenticationTests",
      dependencies: ["AccessControl", "Audit", "Authentication", "Filter", "Model", "TestSupport", "Wire"]),
    .testTarget(
      name: "AuthorityTests",
      dependencies: [
        "AccessControl", "Audit", "Authority", "Authentication", "Configuration", "Credentials", "Filter", "IPC",
        "Model", "System", "Wire",
      ]),
    .testTarget(
      name: "FileTransferTests",
      dependencies: ["Audit", "FileTransfer", "Filter", "IPC", "Model", "System", "Transfer", "TestSupport", "Wire"]),
    .testTarget(name: "CredentialsTests", dependencies: ["Credentials", "Authentication", "Wire", "COpenSSL"]),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: ["AccessControl", "Authentication", "Configuration", "Filter", "IPC", "Model", "Wire"]),
    .testTarget(name: "DigestsTests", dependencies: ["Digests"]),
    .testTarget(name: "ExportTests", dependencies: ["Audit", "Export", "JournalReader", "Wire"]),
    .testTarget(name: "ExporterTests", dependencies: ["Audit", "Exporter", "JournalReader", "System"]),
    .testTarget(name: "FilterTests", dependencies: ["Filter", "TestSupport", "Wire"]),
    .testTarget(name: "GzipTests", dependencies: ["Gzip"]),
    .testTarget(
      name: "IPCTests",
      dependencies: ["Audit", "Digests", "IPC", "Model", "System", "Wire"],
      exclude: ["MessageVersion.txt"]),
    .testTarget(name: "JournalReaderTests", dependencies: ["Audit", "Gzip", "JournalReader", "System"]),
    .testTarget(name: "ModelTests", dependencies: ["AccessControl", "Audit", "Model", "Wire"]),
    .testTarget(
      name: "JournalTests", dependencies: ["Audit", "Gzip", "IPC", "Journal", "System", "TestSupport", "Wire"]),
    .testTarget(name: "RecorderTests", dependencies: ["IPC", "Recorder", "System", "Wire"]),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "Server", "AccessControl", "Audit", "Authentication", "Configuration", "Credentials", "Gzip", "IPC",
        "JournalReader", "Model", "System", "Wire",
      ],
      exclude: ["validate.py"]),
    .testTarget(
      name: "InteropTests",
      dependencies: [
        "Audit", "Authority", "Exporter", "IPC", "Journal", "Recorder", "Server", "Session", "Supervisor", "System",
        "Transfer", "Transport", "Wire",
      ],
      exclude: ["Clients"]),
    .testTarget(
      name: "SessionTests",
      dependencies: [
        "AccessControl", "Audit", "Session", "Transfer", "CLinux", "Filter", "IPC", "Model", "System", "SystemBus",
        "Wire",
      ]),
    .testTarget(
      name: "SupervisorTests",
      dependencies: [
        "AccessControl", "Audit", "Supervisor", "Authentication", "Configuration", "Filter", "IPC", "Model", "System",
        "TestSupport", "Wire",
      ],
      exclude: ["EventSnapshots.txt"]),
    .testTarget(name: "SystemBusTests", dependencies: ["SystemBus"]),
    .testTarget(name: "SystemTests", dependencies: ["CLinux", "System", "Wire"]),
    .testTarget(name: "TransportTests", dependencies: ["Transport", "Audit", "CLinux", "IPC", "System", "Wire"]),
    .testTarget(name: "WireTests", dependencies: ["TestSupport", "Wire"]),
    .testTarget(name: "ZygoteTests", dependencies: ["Session", "Transport", "IPC", "System", "Wire"]),
  ]
)
