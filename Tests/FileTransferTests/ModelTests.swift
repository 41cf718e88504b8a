import Foundation
import Glibc
import System
import TestSupport
import Testing

@testable import FileTransfer

/// Random operations on the server and on a model of a file system, which must agree after each one.
struct ModelTests {
  private enum Node: Equatable {
    case file([UInt8])
    case directory
  }

  private struct Model {
    var nodes: [String: Node] = ["": .directory]

    func parent(_ path: String) -> String { String(path.dropLast(path.reversed().prefix { $0 != "/" }.count + 1)) }
    func hasParent(_ path: String) -> Bool { nodes[parent(path)] == .directory }
    func isEmpty(_ path: String) -> Bool { !nodes.keys.contains { $0.hasPrefix(path + "/") } }

    mutating func move(_ a: String, _ b: String) {
      for (path, node) in nodes where path == a || path.hasPrefix(a + "/") {
        nodes[path] = nil
        nodes[b + path.dropFirst(a.count)] = node
      }
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func `the server agrees with a model`(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    var client = try Client(in: directory)
    var model = Model()
    var random = SplitMix(seed: seed)
    func path() -> String {
      (0..<Int.random(in: 1...3, using: &random)).map { _ in "/" + ["a", "b", "c"].randomElement(using: &random)! }
        .joined()
    }
    for step in 0..<300 {
      let (a, b) = (path(), path())
      let expected: Bool
      let status: SFTPStatus?
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        expected = model.hasParent(a) && model.nodes[a] == nil
        status = try client.set(14, Array(a.utf8)) { _ in }
        if expected { model.nodes[a] = .directory }
      case 1:
        expected = model.nodes[a] == .directory && model.isEmpty(a)
        status = try client.ask(15, a).status
        if expected { model.nodes[a] = nil }
      case 2:
        if case .file? = model.nodes[a] { expected = true } else { expected = false }
        status = try client.ask(13, a).status
        if expected { model.nodes[a] = nil }
      case 3:
        expected = model.nodes[a] != nil && model.hasParent(b) && model.nodes[b] == nil && !b.hasPrefix(a + "/")
        status = try client.ask(18, a, b).status
        if expected { model.move(a, b) }
      case 4, 5:
        expected = model.hasParent(a) && model.nodes[a] != .directory
        let offset = Int.random(in: 0..<20, using: &random)
        let text = String(repeating: "\(step % 10)", count: Int.random(in: 1..<20, using: &random))
        let opened = try client.open(a, 2 | 8)
        if opened.type == 102 {
          status = try client.write(opened.string, UInt64(offset), text)
          #expect(try client.close(opened.string) == .ok)
        } else {
          status = opened.status
        }
        if expected {
          var bytes: [UInt8] = []
          if case .file(let old)? = model.nodes[a] { bytes = old }
          while bytes.count < offset + text.utf8.count { bytes.append(0) }
          bytes.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
          model.nodes[a] = .file(bytes)
        }
      case 6:
        let size = Int.random(in: 0..<30, using: &random)
        if case .file(let old)? = model.nodes[a] {
          expected = true
          model.nodes[a] = .file(Array((old + [UInt8](repeating: 0, count: 30)).prefix(size)))
        } else {
          expected = false
        }
        status = try client.set(9, Array(a.utf8)) { $0.size = UInt64(size) }
      default:
        if case .file(let bytes)? = model.nodes[a] {
          #expect(Array(try client.text(a).utf8) == bytes)
        } else {
          #expect((try client.ask(11, a).type == 102) == (model.nodes[a] == .directory))
        }
        continue
      }
      #expect((status == .ok) == expected, "step \(step) with seed \(seed): \(a) \(b)")
    }
    for (path, node) in model.nodes {
      if case .file(let bytes) = node { #expect(Array(try directory.read(path).utf8) == bytes) }
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: directory.path).count == model.nodes.count - 1)
  }
}
