import Glibc
import System
import Testing

/// What the sources of the supervisor say about its services: whom each may call, and what others see of it.
struct ServiceStructure {
  /// A class that handles events of its own: its properties that others see, and the names of the types that it holds.
  struct Service {
    var visible: [String] = []
    /// Of these, those that others can set.
    var settable: [String] = []
    var held: Set<String> = []
    /// The protocols by which others know it.
    var protocols: Set<String> = []
  }

  private(set) var services: [String: Service] = [:]

  /// - Parameter sources: the text of each file. A service is a class whose name ends so.
  init(_ sources: [String]) {
    var parents: [String: [String]] = [:]
    func names(_ list: Substring) -> [String] { list.split(separator: ",").map { String($0.drop { $0 == " " }) } }
    for source in sources {
      var current: String?
      for line in source.split(separator: "\n") {
        if let match = line.prefixMatch(of: /final class (\w+(?:Service|Runtime))\b(?:: ([\w, ]+))? \{/) {
          let name = String(match.1)
          current = name
          services[name] = Service(
            protocols: Set(names(match.2 ?? "")))
        } else if let match = line.prefixMatch(of: /protocol (\w+): ([\w, ]+) \{/) {
          parents[String(match.1)] = names(match.2)
        } else if line == "}" {
          current = nil
        } else if let current,
          let match = line.prefixMatch(of: #/  (private |private\(set\) )?(let|var) (\w+)(.*)/#)
        {
          let rest = String(match.4)
          // What computes its value stores nothing.
          let isComputed = rest.prefixMatch(of: /: [^=]+\{/) != nil
          let name = String(match.3)
          if match.1 != "private ", !isComputed { services[current]?.visible.append(name) }
          if match.1 == nil, match.2 == "var", !isComputed { services[current]?.settable.append(name) }
          hold(words(rest), by: current)
        } else if let current, let match = line.prefixMatch(of: #/    let \w+: ((?:any )?\w+)$/#) {
          // Of a structure in which it holds several.
          hold(words(String(match.1)), by: current)
        }
      }
    }
    for (name, service) in services {
      var known = service.protocols
      var left = Array(known)
      while let next = left.popLast() {
        for parent in parents[next] ?? [] where known.insert(parent).inserted { left.append(parent) }
      }
      services[name]?.protocols = known
    }
  }

  private func words(_ text: String) -> [String] {
    text.split { !$0.isLetter }.map(String.init).filter { $0.first?.isUppercase == true }
  }

  private mutating func hold(_ types: [String], by service: String) { services[service]?.held.formUnion(types) }

  /// The services that each may call.
  var calls: [String: Set<String>] {
    services.mapValues { service in
      Set(services.filter { service.held.contains($0.key) || !service.held.isDisjoint(with: $0.value.protocols) }.keys)
    }
  }

  /// The services that call each other in a circle, themselves included; empty: there are none.
  var circle: Set<String> {
    var left = calls
    while let leaf = left.first(where: { $0.value.isDisjoint(with: left.keys) }) { left[leaf.key] = nil }
    return Set(left.keys)
  }
}

@Suite struct ServiceStructureTests {
  private let files: [(name: String, text: String)]
  private let structure: ServiceStructure

  init() throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    var files: [(name: String, text: String)] = []
    for folder in [
      "", "Admission/", "Audit/", "Authorities/", "Connections/", "Reload/", "Runtime/", "Sessions/", "Transports/",
    ] {
      let path = "/\(root)/Sources/Daemons/bssh-supervisor/\(folder)"
      for name in try ServiceStructureTests.names(in: path) where name.hasSuffix(".swift") {
        let descriptor = try Descriptor.open(path + name, O_RDONLY)
        files.append((name, String(decoding: try descriptor.read(count: 1 << 20, at: 0), as: UTF8.self)))
      }
    }
    self.files = files
    structure = ServiceStructure(files.map(\.text))
  }

  private static func names(in path: String) throws -> [String] {
    guard let directory = opendir(path) else { throw SystemError("opendir", code: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
  }

  @Test func `services call each other in one direction`() {
    #expect(structure.services.count >= 15)
    #expect(structure.circle.isEmpty)
    #expect(structure.calls["AuditService"]?.isSuperset(of: ["JournalService", "RecordingService"]) == true)
    #expect(structure.calls["LoginRecordService"] == ["RecorderService", "ProcessRuntime"])
    #expect(structure.calls["ListenerService"] == ["AdmissionService", "JournalService", "ProcessRuntime"])
    #expect(structure.calls["ConnectionService"]?.isSuperset(of: ["AuditService", "SessionService"]) == true)
  }

  @Test
  func `what a service stores is its own: at most a dozen properties are seen by others, and none is set by them`() {
    #expect(structure.services.values.reduce(0) { $0 + $1.visible.count } <= 12)
    for (name, service) in structure.services { #expect(service.settable.isEmpty, "\(name)") }
    for (name, text) in files where name.hasSuffix("Service.swift") {
      // What is above it is told by events.
      #expect(!text.contains(/\bSupervisor\b/), "\(name)")
    }
  }

  @Test func `an event is handled from the queue and nowhere else`() {
    // The machine is called by its service, and that by the dispatcher.
    #expect(files.reduce(0) { $0 + $1.text.matches(of: /connection\.machine\.handle\(/).count } == 1)
    #expect(files.reduce(0) { $0 + $1.text.matches(of: /\bconnections\.handle\(/).count } == 2)
    #expect(
      files.first { $0.name == "Supervisor.swift" }?.text.matches(of: /: connections\.handle\(/).count == 2)
  }

  @Test func `a circle and a property that others could set would be found`() {
    let structure = ServiceStructure([
      "final class AService: AProtocol {\n  private let b: any BProtocol\n  var shared = 1\n  var computed: Int { 2 }\n}\n",
      "final class BService: BProtocol {\n  private let a: AService\n  private(set) var seen: Int?\n}\n",
      "final class CService {\n  struct Both {\n    let a: any ParentProtocol\n  }\n  private let both: Both\n}\n",
      "protocol AProtocol: ParentProtocol {\n}\n",
    ])
    #expect(structure.circle == ["AService", "BService", "CService"])
    #expect(structure.services["AService"]?.visible == ["shared"])
    #expect(structure.services["AService"]?.settable == ["shared"])
    #expect(structure.services["BService"]?.settable.isEmpty == true)
    #expect(structure.services["BService"]?.visible == ["seen"])
    #expect(structure.services["CService"]?.visible.isEmpty == true)
  }
}
