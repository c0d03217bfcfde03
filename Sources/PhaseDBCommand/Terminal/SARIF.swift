internal import PhaseAudit
internal import PhaseDB

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Findings in the Static Analysis Results Interchange Format, version 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0).
enum SARIF {
  static func text(_ report: LintReport) throws(MigrationError) -> Prose { try text(Log(Run(report))) }

  static func text(_ audit: Audit) throws(MigrationError) -> Prose { try text(Log(Run(audit))) }

  private static func text(_ log: Log) throws(MigrationError) -> Prose {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return JSONText.shown(try encoder.encode(log))
    } catch {
      throw MigrationError(.outputFailed, "the findings cannot be written as SARIF: \(error)")
    }
  }

  private struct Log: Encodable {
    let schema = "https://json.schemastore.org/sarif-2.1.0.json"
    let version = "2.1.0"
    let runs: [Run]

    enum CodingKeys: String, CodingKey {
      case schema = "$schema"
      case version, runs
    }

    init(_ run: Run) { runs = [run] }
  }

  private struct Run: Encodable {
    let tool: Tool
    let results: [Result]
    /// Columns are counted in Unicode scalars, as places count them.
    let columnKind = "unicodeCodePoints"

    init(_ report: LintReport) {
      // Findings that are errors of reading have ids that are no rules; every id that is used is described.
      let ids = Rule.allCases.map(\.rawValue)
      let others = Set(report.findings.map(\.id)).subtracting(ids).sorted()
      tool = Tool(
        driver: Driver(
          version: PhaseDBVersion.current,
          rules: Rule.allCases.map {
            Descriptor(
              id: $0.rawValue, shortDescription: Message($0.reason),
              defaultConfiguration: Configuration(level: $0.level.rawValue))
          }
            + others.map {
              Descriptor(
                id: $0, shortDescription: Message("The phase cannot be read or run."),
                defaultConfiguration: Configuration(level: Finding.Level.error.rawValue))
            }))
      results = report.findings.map { finding in
        Result(
          ruleId: finding.id, ruleIndex: (ids + others).firstIndex(of: finding.id) ?? -1,
          level: finding.level.rawValue,
          message: Message(
            ([finding.message] + finding.details + [finding.reason] + finding.remedies).joined(
              separator: "\n")),
          locations: finding.place.map { [Location($0)] } ?? [])
      }
    }

    /// The result of an audit: migrations that do not come back, and other findings.
    init(_ audit: Audit) {
      let verdicts = AuditVerdict.allCases.filter { !$0.comesBack }
      let kinds = AuditFinding.Kind.allCases
      let ids = verdicts.map(\.rawValue) + kinds.map(\.rawValue)
      tool = Tool(
        driver: Driver(
          version: PhaseDBVersion.current,
          rules: verdicts.map {
            Descriptor(
              id: $0.rawValue, shortDescription: Message("The migration \($0.meaning)."),
              defaultConfiguration: Configuration(level: Self.level(of: $0)))
          }
            + kinds.map {
              Descriptor(
                id: $0.rawValue, shortDescription: Message($0.reason),
                defaultConfiguration: Configuration(level: Finding.Level.warning.rawValue))
            }))
      results =
        audit.judged.filter { !$0.verdict.comesBack }.map { migration in
          Result(
            ruleId: migration.verdict.rawValue,
            ruleIndex: ids.firstIndex(of: migration.verdict.rawValue) ?? -1,
            level: Self.level(of: migration.verdict),
            message: Message(
              (["\(migration.version) \(migration.verdict.meaning)"] + migration.reasons).joined(
                separator: "\n")),
            locations: [
              Location(
                migration.place
                  ?? Place(
                    file: migration.files.first.map { "\(audit.path)/\($0)" } ?? audit.path, line: 1,
                    column: 1))
            ])
        }
        + audit.findings.map { finding in
          Result(
            ruleId: finding.kind.rawValue, ruleIndex: ids.firstIndex(of: finding.kind.rawValue) ?? -1,
            level: Finding.Level.warning.rawValue,
            message: Message(
              ([finding.message] + finding.details + [finding.kind.reason]).joined(separator: "\n")),
            locations: finding.place.map { [Location($0)] } ?? [])
        }
    }

    private static func level(of verdict: AuditVerdict) -> String {
      (verdict == .notJudged ? Finding.Level.warning : .error).rawValue
    }
  }

  private struct Tool: Encodable { let driver: Driver }

  private struct Driver: Encodable {
    let name = "phasedb"
    let version: String
    let rules: [Descriptor]
  }

  private struct Descriptor: Encodable {
    let id: String
    let shortDescription: Message
    let defaultConfiguration: Configuration
  }

  private struct Configuration: Encodable { let level: String }

  /// For people, so values are escaped.
  private struct Message: Encodable {
    let text: String

    init(_ text: Prose) { self.text = text.description }
  }

  private struct Result: Encodable {
    let ruleId: String
    let ruleIndex: Int
    let level: String
    let message: Message
    let locations: [Location]
  }

  private struct Location: Encodable {
    let physicalLocation: PhysicalLocation

    init(_ place: Place) {
      physicalLocation = PhysicalLocation(
        artifactLocation: ArtifactLocation(uri: uri(place.file)),
        region: Region(
          startLine: place.line, startColumn: place.column, endColumn: place.column + place.length,
          snippet: place.excerpt.map { Message("\(whole: $0)") }))
    }
  }

  private struct PhysicalLocation: Encodable {
    let artifactLocation: ArtifactLocation
    let region: Region
  }

  private struct ArtifactLocation: Encodable { let uri: String }

  private struct Region: Encodable {
    let startLine: Int
    let startColumn: Int
    let endColumn: Int
    let snippet: Message?
  }

  /// A path as a relative reference: bytes outside RFC 3986's unreserved characters and the slash are written as %XX.
  private static func uri(_ path: String) -> String {
    path.utf8.map { byte in
      let character = Character(Unicode.Scalar(byte))
      let isPlain =
        character.isASCII && (character.isLetter || character.isNumber || "-._~/".contains(character))
      return isPlain
        ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}
