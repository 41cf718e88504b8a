import Foundation
import Testing

extension Interop {
  /// Rules of `filter`, as clients see them.
  @Suite(.serialized) struct TransferRules {
    /// A rule, and its effect on a file that is uploaded.
    private struct Row {
      /// The keys of the rule without its name, which is its position; `HOME` is replaced by the user's home.
      let rule: String
      /// Paths relative to the home.
      let denied: [String]
      let allowed: [String]
    }

    /// A directory for each, so that no rule matches another's files.
    private static let rows = [
      Row(
        rule: "action: allow, path_prefix: HOME/allow, extensions: [good]", denied: [], allowed: ["allow/a.good"]),
      Row(
        rule: "action: deny, path_prefix: HOME/allow, operations: [upload]", denied: ["allow/a.bad"], allowed: []),
      Row(
        rule: "action: deny, pattern: \"HOME/pattern/[a-c]*.{x,y}\"", denied: ["pattern/b1.y"], allowed: ["pattern/d.y"]
      ),
      Row(rule: "action: deny, path_prefix: HOME/prefix/in", denied: ["prefix/in/a"], allowed: ["prefix/into"]),
      Row(
        rule: "action: deny, path_prefix: HOME/extensions, extensions: [exe, .tar.gz]",
        denied: ["extensions/a.EXE", "extensions/a.tar.gz"], allowed: ["extensions/exe", "extensions/a.gz"]),
      Row(rule: "action: deny, directory: private", denied: ["directory/private/a"], allowed: ["directory/privat"]),
      Row(
        rule: "action: deny, path_prefix: HOME/min, min_size: 1000, operations: [upload]", denied: ["min/large"],
        allowed: ["min/small"]),
      Row(
        rule: "action: deny, path_prefix: HOME/max, max_size: 999, not: {max_size: 0}, operations: [upload]",
        denied: ["max/small"], allowed: ["max/large"]),
      Row(
        rule: "action: deny, path_prefix: HOME/not, not: {extensions: [ok]}, operations: [upload]", denied: ["not/a"],
        allowed: ["not/a.ok"]),
      Row(
        rule: "action: deny, composite: {type: and, matchers: [{path_prefix: HOME/composite}, "
          + "{composite: {type: or, matchers: [{extensions: [one]}, {extensions: [two]}]}}]}",
        denied: ["composite/a.one", "composite/a.two"], allowed: ["composite/a.three"]),
      Row(
        rule: "action: deny, path_prefix: HOME/operations, operations: [delete, download]", denied: [],
        allowed: ["operations/a"]),
      Row(rule: "action: log, path_prefix: HOME/log, operations: [upload]", denied: [], allowed: ["log/a"]),
    ]

    @Test(.timeLimit(.minutes(2))) func `each key of a rule has an effect on SFTP and on SCP`() throws {
      try withDaemon { daemon throws in
        let home = daemon.user.home
        let rules = TransferRules.rows.enumerated().map { index, row in
          "  - {name: \"number \(index)\", \(row.rule.replacingOccurrences(of: "HOME", with: home))}"
        }
        let before = try daemon.configuration
        try daemon.reload("\(before)\nfilter:\n  enabled: true\n  rules:\n\(rules.joined(separator: "\n"))\n")
        for folder in [
          "allow", "pattern", "prefix", "prefix/in", "extensions", "directory", "directory/private", "min", "max",
          "not",
          "composite", "operations", "log",
        ] { try daemon.makeUserDirectory(folder) }
        for (name, size) in [("small", 10), ("large", 2000)] {
          try Data(repeating: 1, count: size).write(to: URL(fileURLWithPath: "\(daemon.directory)/\(name)"))
        }
        for (index, row) in TransferRules.rows.enumerated() {
          for (path, isDenied) in row.denied.map({ ($0, true) }) + row.allowed.map({ ($0, false) }) {
            let file = "\(daemon.directory)/\(path.hasSuffix("large") ? "large" : "small")"
            let start = daemon.log.count
            let sftp = try daemon.sftp("put \(file) \(path)")
            // SFTP's first write makes the file grow; SCP sends the size before the file exists.
            try? FileManager.default.removeItem(atPath: "\(home)/\(path)")
            let scp = try daemon.scp("-O", file, "host:\(path)")
            #expect((sftp.status != 0) == isDenied && (scp.status != 0) == isDenied, "\(path)")
            if isDenied {
              #expect(sftp.errors.contains("Permission denied") && scp.errors.contains("Permission denied"), "\(path)")
              try daemon.log.line(with: "denied by number \(index): upload", path, after: start)
            }
          }
        }
        try daemon.log.line(with: "allowed by number 11: upload", "log/a")
        #expect(try daemon.sftp("rm operations/a").status != 0)
        #expect(try daemon.sftp("get operations/a \(daemon.directory)/out").status != 0)
        #expect(try daemon.scp("-O", "host:operations/a", "\(daemon.directory)/out").status != 0)
        #expect(try daemon.sftp("chmod 600 operations/a").status == 0)
        // A directory takes its files along.
        #expect(try daemon.sftp("rename prefix elsewhere").errors.contains("Permission denied"))
        try daemon.log.line(with: "denied by number 3: rename", "elsewhere")
        #expect(try daemon.sftp("mkdir free\nrename free other").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [("deny", false), ("log", true), ("allow", true)])
    func `the default applies to what no rule matches`(action: String, isAllowed: Bool) throws {
      let rules = "[{pattern: \"**/exception\", action: allow}, {operations: [stat, listdir], action: allow}]"
      try withDaemon(filter: ["enabled": "true", "default_action": action, "rules": rules]) { daemon throws in
        try daemon.makeLocalFile("in")
        #expect(try daemon.sftp("put \(daemon.directory)/in exception").status == 0)
        #expect((try daemon.sftp("put \(daemon.directory)/in other").status == 0) == isAllowed)
        #expect((try daemon.scp("-O", "\(daemon.directory)/in", "host:more").status == 0) == isAllowed)
        if action != "allow" {
          try daemon.log.line(with: "\(isAllowed ? "allowed" : "denied") by filter.default_action: upload", "other")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a disabled filter denies nothing`() throws {
      let keys = ["enabled": "false", "default_action": "deny", "rules": "[{extensions: [exe], action: deny}]"]
      try withDaemon(filter: keys) { daemon throws in
        try daemon.makeLocalFile("in")
        #expect(try daemon.sftp("put \(daemon.directory)/in a.exe").status == 0)
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:b.exe").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a denial by a rule is reported as permission denied, and the log names the rule`() throws {
      let rules = """
        [{name: no programs, extensions: [exe], operations: [upload], action: deny}, \
        {name: "watched", pattern: "**/*.txt", action: log}]
        """
      try withDaemon(filter: ["enabled": "true", "rules": rules]) { daemon throws in
        try daemon.makeLocalFile("in")
        let denied = try daemon.sftp("put \(daemon.directory)/in bad.exe")
        #expect(denied.status != 0 && denied.errors.contains("Permission denied"))
        try daemon.log.line(with: "denied by no programs: upload", "bad.exe")
        let copied = try daemon.scp("-O", "\(daemon.directory)/in", "host:worse.exe")
        #expect(copied.status != 0 && copied.errors.contains("Permission denied"))
        try daemon.log.line(with: "denied by no programs: upload", "worse.exe")
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/bad.exe"))
        #expect(try daemon.sftp("put \(daemon.directory)/in good.txt").status == 0)
        try daemon.log.line(with: "allowed by watched: upload", "good.txt")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `rules match the login and its groups`() throws {
      let names = "users: [USER], path_prefix: /, name: \"their own\", operations: [upload], action: deny"
      for (who, isDenied) in [("users: [somebody]", false), ("groups: [somebody]", false), ("", true)] {
        let rule = who.isEmpty ? names.replacingOccurrences(of: "users: [USER], ", with: "") : "\(who), " + names
        let text = rule.replacingOccurrences(of: "users: [USER], ", with: "")
        try withDaemon(filter: ["enabled": "true", "rules": "[{\(text)}]"]) { daemon throws in
          try daemon.makeLocalFile("in")
          #expect((try daemon.sftp("put \(daemon.directory)/in a").status != 0) == isDenied, "\(who)")
        }
      }
      guard isRoot else { return }
      try withDaemon { daemon throws in
        try daemon.makeLocalFile("in")
        for who in ["users: [\(daemon.user.name)]", "groups: [\(daemon.user.name)]"] {
          let rule = "{\(who), path_prefix: /, operations: [upload], action: deny}"
          let filter = "\nfilter: {enabled: true, rules: [\(rule)]}\n"
          let before = try daemon.configuration.components(separatedBy: "\nfilter:")[0]
          try daemon.reload(before + filter)
          #expect(try daemon.sftp("put \(daemon.directory)/in a").status != 0, "\(who)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a thousand rules are sent with the login`() throws {
      let filler = (0..<999).map { "{pattern: \"**/\(String(repeating: "x", count: 300))\($0)\", action: deny}" }
      let rules = filler + ["{name: the last, extensions: [exe], action: deny}"]
      let filter = ["enabled": "true", "rules": "[\(rules.joined(separator: ", "))]"]
      try withDaemon(filter: filter) { daemon throws in
        try daemon.makeLocalFile("in")
        #expect(try daemon.sftp("put \(daemon.directory)/in a").status == 0)
        #expect(try daemon.sftp("put \(daemon.directory)/in a.exe").status != 0)
        try daemon.log.line(with: "denied by the last")
      }
    }
  }
}
