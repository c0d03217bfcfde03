import Foundation
import PhaseSQL
import PhaseSQLite
import Testing

@testable import PhaseDB

/// A folder of migrations and what lint finds in it: exactly these rules, each at a place that starts like this.
struct LintCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  private let files: [String: String]
  private let finds: [String: String]

  /// - Parameters:
  ///   - folder: texts by path. What a phase file lacks of `@window`, `@residual` and `@up` is put before its text, in
  ///     three lines.
  ///   - finds: for each rule that must object, what the place of its finding starts with.
  init(_ sentence: String, folder: [String: String], finds: [String: String] = [:]) {
    testDescription = sentence
    files = folder
    self.finds = finds
  }

  func check() throws {
    let report = try LintedFiles(files).report()
    // Most cases change all rows of a small table, and check nothing, to make a point of something else.
    let found = Set(report.findings.map(\.id)).subtracting([
      Rule.unboundedWrite.rawValue, Rule.undetected.rawValue,
    ])
    #expect(
      found.union(report.findings.map(\.id).filter { finds[$0] != nil }) == Set(finds.keys), "\(report.text)")
    for (id, place) in finds {
      let findings = report.findings.filter { $0.id == id }
      #expect(findings.contains { $0.place?.description.hasPrefix(place) == true }, "\(report.text)")
      #expect(findings.allSatisfy { !$0.message.isEmpty && !$0.reason.isEmpty && !$0.remedies.isEmpty })
    }
  }
}

/// The files of a migrations folder, in memory.
struct LintedFiles {
  var files: [String: String]

  init(_ files: [String: String]) { self.files = files }

  /// The example of the repository, whatever the working directory is.
  static func example() throws -> LintedFiles {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("migrations-example")
    var files: [String: String] = [:]
    let paths = try #require(FileManager.default.enumerator(atPath: root.path))
    for case let path as String in paths where path.hasSuffix(".sql") {
      files[path] = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    return LintedFiles(files)
  }

  func linter() throws -> Linter {
    let (catalog, unreadable) = try readable(window: "app >=1.0")
    let corpus = files.filter { $0.key.hasPrefix("apps/") }.compactMap { Script($0.value, file: $0.key) }
    return Linter(
      catalog, unreadable: unreadable, oldestSQLite: try oldestSQLite(), corpus: corpus)
  }

  /// The migrations, which must be readable.
  ///
  /// - Parameter window: of a phase that has none.
  func catalog(window: String) throws -> Catalog {
    let (catalog, unreadable) = try readable(window: window)
    if let error = unreadable.first { throw error }
    return catalog
  }

  private func readable(window: String) throws -> (Catalog, [MigrationError]) {
    var migrations: [String: [Phase]] = [:]
    var unreadable: [MigrationError] = []
    for (path, text) in files.sorted(by: { $0.key < $1.key }) where Phase.Kind.named(by: path) != nil {
      let kind = try #require(Phase.Kind.named(by: path))
      do throws(MigrationError) {
        let phase = try PhaseFile.read(Self.whole(text, window), file: path, kind: kind)
        migrations[String(path.split(separator: "/")[0]), default: []].append(phase)
      } catch {
        unreadable.append(error)
      }
    }
    let catalog = try Catalog(
      migrations.map { try Migration(MigrationName($0.key), phases: $0.value) },
      baseline: files["baseline.sql"].flatMap { Script($0, file: "baseline.sql") })
    return (catalog, unreadable)
  }

  /// What the settings promise, where there are any.
  private func oldestSQLite() throws -> SQLiteVersion? {
    guard let text = files["phasedb.json"] else { return nil }
    let folder = try TemporaryFolder(["phasedb.json": text])
    let settings = try withExtendedLifetime(folder) { try Settings.read(path: folder.path + "/phasedb.json") }
    return settings.sqlite.flatMap { SQLiteVersion($0.description) }
  }

  func report() throws -> LintReport { try linter().report() }

  private static func whole(_ text: String, _ window: String) -> String {
    guard !text.contains("-- @up") else { return text }
    let window = text.contains("-- @window") ? "--" : "-- @window \(window)"
    let residual = text.contains("-- @residual") ? "--" : "-- @residual none"
    let isHeaded = text.hasPrefix("-- @") && !text.hasPrefix("-- @down")
    guard isHeaded, let end = text.range(of: "\n") else { return "\(window)\n\(residual)\n-- @up\n\(text)" }
    // The first line declares something.
    return "\(text[..<end.lowerBound])\n\(window)\n\(residual)\n-- @up\n\(text[end.upperBound...])"
  }
}

extension Phase.Kind {
  fileprivate static func named(by path: String) -> Phase.Kind? {
    let parts = path.split(separator: "/")
    return parts.count == 2 ? Phase.Kind(fileName: String(parts[1])) : nil
  }
}

extension LintReport {
  /// As a failed test shows it.
  var text: String {
    findings.map { finding in
      let lines = ["\(finding.id) \(finding.place?.description ?? "-"): \(finding.message)"]
      return (lines + (finding.details + finding.remedies).map { "    \($0)" }).joined(separator: "\n")
    }.joined(separator: "\n")
  }
}
