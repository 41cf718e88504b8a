import Configuration
import Foundation
import Testing

@testable import Server

/// etc/server.schema.json, held against the loader by a validator of JSON Schema that is not ours.
@Suite struct ConfigurationSchemaTests {
  private static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized.path

  /// What the validator says of each text: nil when the schema accepts it.
  private static func verdicts(on texts: [String]) throws -> [String?] {
    let made = try run("\(root)/scripts/make-test-venv.sh", ["--schema"])
    let venv = try #require(made.output.split(separator: "\n").last.map(String.init), "\(made.errors)")
    let outcome = try run(
      "\(venv)/bin/python", ["\(root)/Tests/ServerTests/validate.py", "\(root)/etc/server.schema.json"],
      input: String(decoding: try JSONEncoder().encode(texts), as: UTF8.self))
    try #require(outcome.code == 0, "\(outcome.errors)")
    let answers = try JSONDecoder().decode([String?].self, from: Data(outcome.output.utf8))
    try #require(answers.count == texts.count)
    return answers
  }

  private static func run(_ program: String, _ arguments: [String], input: String = "") throws -> Outcome {
    let environment = [
      "HOME": NSHomeDirectory(), "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
    ]
    return try bsshServer(arguments, environment: environment, input: input, program: program)
  }

  /// Ways to write values, beside those in the samples of other tests.
  private static let spellings = [
    "{}", "", "server:", "server: {host_keys: [/k/a], rekey: }",
    "server: {timeout: 90s, keepalive_interval: \"15m\", rekey: {bytes: \"64KiB\", interval: 7d}}",
    "server: {max_connections: 70000, window_size: 4000000000, maximum_packet_size: 0}",
    "server: {bind_address: 0.0.0.0, port: 022, banner: ~, log_level: \"debug\"}",
    "auth: {permit_root: no, allow_users: [1, true, 1.5], methods: [\"password\"], required: []}",
    "shell: {umask: 022, env: {A: 1, B: true, C: , D: 1.5}}", "shell: {umask: \"0o22\"}",
    "sftp: {umask: ~, max_file_size: 1}",
    "filter: {default_action: ~, rules: [{action: log, operations: [MkDir, upload], pattern: 1}]}",
    "audit: {exporters: [{type: file, mode: 0640}, {type: otel, endpoint: \"http://c\", headers: {a: 1}}]}",
  ]

  @Test func `the schema accepts every configuration that loads`() throws {
    let template = try String(contentsOfFile: Self.root + "/etc/server.yaml", encoding: .utf8)
    let bssh = [BsshTests.generated, BsshTests.withRules].map {
      $0.replacingOccurrences(of: "host_keys: []", with: "host_keys: [/k/a]")
    }
    let others = Self.spellings.map { $0.hasPrefix("server: {host_keys") ? $0 : Self.withHostKey($0) }
    let loading = [template] + TemplateTests.samples + bssh + others
    let effective = try loading.map { Template.effective(try settings($0)) }
    let texts = loading + effective + Self.spellings
    for (text, fault) in zip(texts, try Self.verdicts(on: texts)) {
      if let fault { Issue.record("\(fault)\n\(text)") }
    }
  }

  /// The text with a host key, without which nothing loads.
  private static func withHostKey(_ text: String) -> String {
    if text.hasPrefix("server: {") { return "server: {host_keys: [/k/a], " + text.dropFirst(9) }
    return (text.hasPrefix("server: [") ? "" : "server: {host_keys: [/k/a]}\n")
      + (text == "server:" || text == "{}" ? "" : text)
  }

  private static let refused = [
    "[]", "text", "servers: {}", "server: []", "server: {prt: 22}", "server: {rekey: {byte: 1}}",
    "server: {port: 0}", "server: {port: 65536}", "server: {port: \"22\"}", "server: {port: x}", "server: {port: }",
    "server: {compression: yes}", "server: {compression: \"true\"}", "server: {compression: 1}",
    "server: {timeout: 5 minutes}", "server: {timeout: 1.5}", "server: {timeout: -1}", "server: {rekey: {bytes: 1GB}}",
    "server: {log_level: loud}", "server: {banner: [a]}", "server: {host_keys: /k/a}", "server: {ciphers: []}",
    "server: {macs: [hmac-sha2-256, hmac-sha2-256]}", "server: {bind_address: []}", "server: {spare_transports: 65}",
    "auth: {methods: [publickey, pasword]}", "auth: {permit_root: maybe}", "auth: {required: [publickey]}",
    "auth: {required: [[]]}", "auth: {allow_users: anna}", "auth: {password: {users: {name: a}}}",
    "auth: {password: {users: [{shell: /bin/sh}]}}", "auth: {password: {users: [{name: a, totp_digits: 7}]}}",
    "auth: {password: {users: [{name: a, colour: red}]}}", "auth: {password: {users: [{name: a, sftp_only: 1}]}}",
    "shell: {umask: 8}\nsftp: {umask: 1000}", "shell: {umask: \"0888\"}", "shell: {env: [A]}", "shell: {env: {1A: x}}",
    "shell: {env: {A: [x]}}", "sftp: {max_handles: 0}", "scp: {enabled: ~}",
    "filter: {rules: [{pattern: a}]}", "filter: {rules: [{action: deny}]}",
    "filter: {rules: [{action: deny, name: a}]}", "filter: {rules: [{action: ~, pattern: a}]}",
    "filter: {rules: [{action: deny, not: {}}]}", "filter: {rules: [{action: deny, not: {users: [a]}}]}",
    "filter: {rules: [{action: deny, operations: [fly]}]}",
    "filter: {rules: [{action: deny, composite: {matchers: [{pattern: a}]}}]}",
    "filter: {rules: [{action: deny, composite: {type: xor, matchers: [{pattern: a}]}}]}",
    "filter: {rules: [{action: deny, not: {not: {patern: a}}}]}",
    "audit: {exporters: [{path: /a}]}", "audit: {exporters: [{type: kafka}]}", "audit: {exporters: [{type: logstash}]}",
    "audit: {exporters: [{type: otel}]}", "audit: {exporters: [{type: file, host: a}]}",
    "audit: {exporters: [{type: file, mode: \"0644\"}]}", "audit: {exporters: [{type: file, rotate: {size: 1}}]}",
    "audit: {exporters: [{type: syslog, facility: mail}]}",
    "audit: {exporters: [{type: otel, endpoint: \"http://c\", headers: {\"a b\": c}}]}",
    "audit: {exporters: [{type: otel, endpoint: \"http://c\", tls: {enabled: true}}]}",
    "security: {ban_time: }", "security: {ban_factor: 101}", "security: {allowed_ips: 10.0.0.0/8}",
    "match: {users: [a]}", "match: [{shell: {pty: false}}]", "match: [{users: [a]}]",
    "match: [{users: a, shell: {pty: no}}]",
    "match: [{users: [a], server: {port: 1}}]", "match: [{users: [a], security: {ban_time: 1}}]",
    "match: [{users: [], shell: {pty: false}}]", "match: [{users: [a], match: []}]",
    "match: [{users: [a], auth: {password: {minimum_time: 1s}}}]",
  ]

  /// Every key with a value that no key takes, and with a name that no key has.
  private static let ofEveryKey: [String] = KeyTable.keys.flatMap { key in
    let parts = key.path.split(separator: ".").map(String.init)
    let nested = { (last: String, value: String) in
      parts.dropLast().reversed().reduce("\(last): \(value)") { "\($1): {\($0)}" }
    }
    return [nested(parts[parts.count - 1], "[[[[1]]]]"), nested("x" + parts[parts.count - 1], "1")]
  }

  @Test func `the schema and the loader refuse the same configurations`() throws {
    let texts = Self.refused + Self.ofEveryKey
    for (text, fault) in zip(texts, try Self.verdicts(on: texts)) {
      #expect(fault != nil, "the schema accepts: \(text)")
      #expect(throws: (any Error).self, "the loader accepts: \(text)") {
        try settings(text.contains(":") ? Self.withHostKey(text) : text)
      }
    }
  }
}
