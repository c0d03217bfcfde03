internal import PhaseSQLite

// A file carries evidence from the place where phases are rehearsed to the place where they go up, for example from
// CI to production.

extension Evidence {
  /// Writes the evidence of a rehearsal into a file that only its owner can read. It replaces earlier evidence of
  /// rehearsals; evidence of compat in the file stays.
  ///
  /// - Throws: `output-failed`.
  package static func write(_ evidence: [Evidence], to path: String) throws(MigrationError) {
    try EvidenceJSON.change(path) { $0.evidence = evidence.map(EvidenceJSON.Item.init) }
  }

  /// Reads evidence from a file that a rehearsal wrote.
  ///
  /// - Throws: `evidence-invalid` when the file is not what ``write(_:to:)`` made, or what makes it unreadable.
  package static func read(_ path: String) throws(MigrationError) -> [Evidence] {
    try EvidenceJSON.file(path).evidence.map { item throws(MigrationError) in
      guard let evidence = item.evidence else {
        throw EvidenceJSON.invalid(path, "what it says of \(item.phase) cannot be read")
      }
      return evidence
    }
  }
}

extension CompatEvidence {
  /// Writes the evidence of compat into a file. It replaces earlier evidence about the same versions; evidence of
  /// rehearsals stays.
  ///
  /// - Throws: `output-failed`.
  package static func write(_ evidence: [CompatEvidence], to path: String) throws(MigrationError) {
    func subject(_ one: CompatEvidence) -> [String] { [one.application, one.version, one.means.rawValue] }
    let written = Set(evidence.map(subject))
    try EvidenceJSON.change(path) { file in
      file.compat = (file.compat ?? []).filter { !written.contains(subject($0)) } + evidence
    }
  }

  /// Reads the evidence of compat; empty for a file that has only evidence of rehearsals.
  ///
  /// - Throws: `evidence-invalid`, or what makes the file unreadable.
  package static func read(_ path: String) throws(MigrationError) -> [CompatEvidence] {
    try EvidenceJSON.file(path).compat ?? []
  }
}

extension EvidenceJSON {
  /// Changes a file, or makes it.
  ///
  /// - Throws: `evidence-invalid` for a file that has something else in it.
  fileprivate static func change(_ path: String, _ body: (inout File) -> Void) throws(MigrationError) {
    do {
      var content = File(version: version, evidence: [])
      // A file at this path may be anything, even the database.
      let isEmpty = (try? FileReading.bytes(of: path, limit: 1))?.isEmpty ?? !FileReading.exists(path)
      if !isEmpty { content = try file(path) }
      body(&content)
      try PrivateFolder.write(try text(content, pretty: true) + "\n", to: path)
    } catch let FileReading.Failure.system(_, words) {
      throw MigrationError(
        .outputFailed, "the evidence cannot be written to \(path): \(words)",
        state: "nothing was changed, and nothing was recorded",
        help: ["name a file that you may write: --evidence FILE"])
    } catch let error as MigrationError {
      var error = error
      error.state = "nothing was changed, and nothing was recorded"
      error.help = ["name a file that does not exist yet, or one with evidence: --evidence FILE"]
      throw error
    } catch {
      throw MigrationError(.outputFailed, "the evidence cannot be written to \(path): \(error)")
    }
  }

  fileprivate static func file(_ path: String) throws(MigrationError) -> File {
    let text = try TextFile.read(path)
    guard let file = read(File.self, from: text) else {
      throw invalid(path, "it is damaged, or was not written by phasedb")
    }
    guard file.version == version else {
      throw invalid(path, "its version is \(file.version), and this phasedb reads \(version)")
    }
    return file
  }

  fileprivate static func invalid(_ path: String, _ why: Prose) -> MigrationError {
    MigrationError(
      .evidenceInvalid, "\(path) is not a file of evidence: \(why)", state: "nothing was changed",
      help: ["make it again: phasedb rehearse --evidence \(path)"])
  }
}
