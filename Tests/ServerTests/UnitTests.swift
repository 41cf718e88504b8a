import Configuration
import Foundation
import System
import Testing

@testable import Server

/// Compares the units of systemd/ with the program that they start.
@Suite struct UnitTests {
  /// The values of each directive.
  private func directives(_ name: String) throws -> [String: [String]] {
    let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized
    let text = try String(contentsOf: root.appendingPathComponent("systemd/\(name)"), encoding: .utf8)
    var directives: [String: [String]] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("[") {
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      directives[parts[0], default: []].append(parts.count > 1 ? parts[1] : "")
    }
    return directives
  }

  private func arguments(_ line: String?) throws -> Arguments {
    var words = try #require(line).split(separator: " ").map(String.init)
    #expect(words.removeFirst() == "/usr/sbin/bssh-server")
    return try Arguments(words.map { $0 == "$MAINPID" ? "1234" : $0 })
  }

  @Test func `the service runs in the foreground with its own file, and a reload can fail`() throws {
    let unit = try directives("bssh-server.service")
    let start = try arguments(unit["ExecStart"]?.first)
    #expect(start.command == .run && start.has("foreground") && start.value("config") == "/etc/bssh/server.yaml")
    #expect(unit["ExecReload"]?.count == 1)
    let reload = try arguments(unit["ExecReload"]?.first)
    #expect(reload.command == .reload && reload.operand == "1234")
  }

  @Test func `failures that a restart cannot fix are not retried, and all others are, with delays and indefinitely`()
    throws
  {
    let unit = try directives("bssh-server.service")
    let hopeless = [ExitCode.usage, .configuration].map { String($0.rawValue) }
    #expect(unit["RestartPreventExitStatus"] == [hopeless.joined(separator: " ")])
    #expect(unit["Restart"] == ["on-failure"] && unit["RestartSec"] == ["2s"] && unit["StartLimitIntervalSec"] == ["0"])
  }

  @Test func `the socket has the default port, and nothing enables it`() throws {
    let unit = try directives("bssh-server.socket")
    #expect(unit["ListenStream"] == Settings().server.bindAddresses.first.map { [String($0.port)] })
    #expect(unit["Accept"] == ["no"])
    #expect(try directives("bssh-server.service")["Also"] == nil)
  }
}
