import Glibc
import System
import Testing

/// The structure of the supervisor's services, from the sources: which services each may call, and its visible properties.
struct ServiceStructure {
  /// A service: its visible properties, and the names of the types of its properties.
  struct Service {
    var visible: [String] = []
    /// The visible properties that others can set.
    var settable: [String] = []
    var held: Set<String> = []
    /// The protocols through which others use it.
    var protocols: Set<String> = []
  }

  private(set) var services: [String: Service] = [:]

  /// - Parameter sources: the text of each file. A service is a class whose name ends in `Service` or
  ///   `Runtime`.
  init(_ sources: [String]) {
    var parents: [String: [String]] = [:]
    func names(_ list: Substring) -> [String] { list.split(separator: ",").map { String($0.drop { $0 == " " }) } }
    let classLine = /final class (\w+(?:Service|Runtime))\b(?:: ([\w, ]+))? \{/
    let protocolLine = /protocol (\w+): ([\w, ]+) \{/
    let propertyLine = #/  (private |private\(set\) )?(let|var) (\w+)(.*)/#
    let computing = /: [^=]+\{/
    let fieldLine = #/    let \w+: ((?:any )?\w+)$/#
    for source in sources {
      var current: String?
      for line in source.split(separator: "\n") {
        if let match = line.prefixMatch(of: classLine) {
          let name = String(match.1)
          current = name
          services[name] = Service(
            protocols: Set(names(match.2 ?? "")))
        } else if let match = line.prefixMatch(of: protocolLine) {
          parents[String(match.1)] = names(match.2)
        } else if line == "}" {
          current = nil
        } else if let current, let match = line.prefixMatch(of: propertyLine) {
          let rest = String(match.4)
          // A computed property stores nothing.
          let isComputed = rest.prefixMatch(of: computing) != nil
          let name = String(match.3)
          if match.1 != "private ", !isComputed { services[current]?.visible.append(name) }
          if match.1 == nil, match.2 == "var", !isComputed { services[current]?.settable.append(name) }
          hold(words(rest), by: current)
        } else if let current, let match = line.prefixMatch(of: fieldLine) {
          // A property of a structure that contains several services.
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

  /// The services that each service may call.
  var calls: [String: Set<String>] {
    services.mapValues { service in
      Set(services.filter { service.held.contains($0.key) || !service.held.isDisjoint(with: $0.value.protocols) }.keys)
    }
  }

  /// The services in a cycle of calls; empty: there is no cycle.
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
      "", "Admission/", "Audit/", "Authorities/", "Connections/", "Life/", "Reload/", "Runtime/", "Sessions/",
      "Transports/",
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

  @Test func `calls between services have no cycle`() {
    #expect(structure.services.count >= 22)
    #expect(structure.circle.isEmpty)
    #expect(structure.calls["AuditService"] == ["JournalService", "LoginRecordService", "ProcessRuntime"])
    #expect(structure.calls["LoginRecordService"] == ["RecorderService", "ProcessRuntime"])
    #expect(structure.calls["ListenerService"] == ["AdmissionService", "JournalService", "ProcessRuntime"])
    #expect(structure.calls["ConnectionService"]?.isSuperset(of: ["AuditService", "SessionService"]) == true)
    #expect(structure.calls["SessionPauseService"]?.contains("SessionService") == false)
    #expect(structure.calls["LifeCycleService"]?.isSuperset(of: ["SettingsService", "ConnectionService"]) == true)
  }

  @Test func `what builds the services keeps no state`() throws {
    let supervisor = try #require(files.first { $0.name == "Supervisor.swift" }?.text)
    #expect(supervisor.split(separator: "\n", omittingEmptySubsequences: false).count < 150)
    for (name, text) in files where name == "Supervisor.swift" || name.hasPrefix("Supervisor+") {
      #expect(!text.contains(/\bvar \w+/), "\(name)")
    }
  }

  @Test
  func `services expose at most a dozen stored properties, and none can be set by others`() {
    #expect(structure.services.values.reduce(0) { $0 + $1.visible.count } <= 12)
    for (name, service) in structure.services { #expect(service.settable.isEmpty, "\(name)") }
    for (name, text) in files where name.hasSuffix("Service.swift") {
      // Services notify the supervisor by events.
      #expect(!text.contains(/\bSupervisor\b/), "\(name)")
    }
  }

  @Test func `events are handled only from the queue`() {
    // Only the service calls the machine, and only the dispatcher calls the service.
    #expect(files.reduce(0) { $0 + $1.text.matches(of: /connection\.machine\.handle\(/).count } == 1)
    #expect(files.reduce(0) { $0 + $1.text.matches(of: /\bconnections\.handle\(/).count } == 2)
    let dispatchers = files.filter { $0.name.hasPrefix("Supervisor") }
    #expect(dispatchers.reduce(0) { $0 + $1.text.matches(of: /: connections\.handle\(/).count } == 2)
  }

  @Test func `a cycle and a property that others could set would be found`() {
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
