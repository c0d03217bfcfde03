import Testing

@testable import PhaseCompat
@testable import PhaseDB

/// A change of a schema, what versions ask of it, and what compat must find: exactly these troubles, as errors.
struct CompatCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// Texts by path: `0001-a/expand.sql`, `apps/shop/1.sql`, `apps/seed.sql`, `baseline.sql`. What a phase file lacks of a
  /// window is `shop >=1 <2`, of contract `shop >=1`.
  let files: [String: String]
  let finds: [Found]

  /// A trouble, by what its sentence says.
  struct Found: Sendable {
    let check: CompatibilityCheck.Finding.Check
    let version: String
    let says: String
    let query: String?
    let phase: String?

    init(
      _ check: CompatibilityCheck.Finding.Check, _ version: String, _ query: String?, _ says: String,
      phase: String? = nil
    ) {
      self.check = check
      self.version = version
      self.query = query
      self.says = says
      self.phase = phase
    }

    func isMet(by finding: CompatibilityCheck.Finding) -> Bool {
      finding.check == check && finding.version.description == version && finding.query == query
        && finding.message.contains(says) && (phase == nil || finding.phase?.short == phase)
    }
  }

  init(_ sentence: String, folder: [String: String], finds: Found...) {
    self.init(sentence, folder, finds)
  }

  private init(_ sentence: String, _ folder: [String: String], _ finds: [Found]) {
    testDescription = sentence
    files = folder
    self.finds = finds
  }

  /// The same with the table `people` WITHOUT ROWID, which gives no numbers to new rows.
  var withoutRowID: CompatCase {
    var folder = files
    folder["baseline.sql"]?.replace("email TEXT);", with: "email TEXT) WITHOUT ROWID;")
    for path in folder.keys where path.hasPrefix("apps/shop/") {
      folder[path]?.replace("INSERT INTO people (", with: "INSERT INTO people (id, ")
      for (name, number) in ["'Cem'": 3, "'Dee'": 4] {
        folder[path]?.replace("VALUES (\(name)", with: "VALUES (\(number), \(name)")
      }
    }
    return CompatCase(testDescription, folder, finds)
  }

  func report() throws -> CompatibilityCheck.Report {
    let catalog = try LintedFiles(files.mapValues { $0 }).catalog(window: "shop >=1")
    var scripts: [ApplicationScript] = []
    for (path, text) in files.sorted(by: { $0.key < $1.key })
    where path.hasPrefix("apps/") && path != "apps/seed.sql" {
      let file = try #require(Corpus.File(path: path))
      scripts.append(
        try ApplicationFile.read(
          text, file: path, application: file.application, version: try #require(file.version)))
    }
    scripts.sort { ($0.application, $0.version) < ($1.application, $1.version) }
    let seed = files["apps/seed.sql"].flatMap { Script($0, file: "apps/seed.sql") }
    return try CompatibilityCheck(catalog, scripts: scripts, seed: seed).report(
      in: .init(now: Timestamp(text: "2026-01-31T12:00:00.000Z"), runner: .test, wait: .zero))
  }

  func check() throws {
    let report = try report()
    let findings = report.firstFindings.map(\.finding)
    for found in finds {
      #expect(findings.contains(where: found.isMet), "\(found) is not among:\n\(report.text)")
    }
    for finding in findings {
      #expect(finds.contains { $0.isMet(by: finding) }, "not expected:\n\(finding.text)")
      #expect(finding.place != nil)
    }
    #expect(report.isClean == findings.allSatisfy(\.isWarning))
  }
}

extension CompatibilityCheck.Finding {
  /// As a failed test shows it.
  var text: String {
    let head = "\(check) \(application) \(version) \(query ?? "-"): \(message) [\(phase?.short ?? "-")]"
    return ([head] + details.map { "    \($0)" }).joined(separator: "\n")
  }
}

extension CompatibilityCheck.Report {
  var text: String { firstFindings.map(\.finding.text).joined(separator: "\n") }
}
