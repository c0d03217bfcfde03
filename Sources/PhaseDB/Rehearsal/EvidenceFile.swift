internal import PhaseSQLite

// A file carries evidence from where phases are rehearsed to where they go up, as from CI to production.

extension Evidence {
  /// Writes evidence, for its owner's eyes, in the place of a file that is there.
  ///
  /// - Throws: `output-failed`.
  package static func write(_ evidence: [Evidence], to path: String) throws(MigrationError) {
    do {
      let file = EvidenceJSON.File(
        version: EvidenceJSON.version, evidence: evidence.map(EvidenceJSON.Item.init))
      try PrivateFolder.write(try EvidenceJSON.text(file, pretty: true) + "\n", to: path)
    } catch let FileReading.Failure.system(_, words) {
      throw MigrationError(
        .outputFailed, "the evidence cannot be written to \(path): \(words)",
        state: "nothing was changed, and nothing was recorded",
        help: ["name a file that you may write: --evidence FILE"])
    } catch {
      throw MigrationError(.outputFailed, "the evidence cannot be written to \(path): \(error)")
    }
  }

  /// Reads evidence from a file that a rehearsal wrote.
  ///
  /// - Throws: `evidence-invalid` when the file is not what ``write(_:to:)`` made, or what makes it unreadable.
  public static func read(_ path: String) throws(MigrationError) -> [Evidence] {
    let text = try TextFile.read(path)
    func invalid(_ why: Prose) -> MigrationError {
      MigrationError(
        .evidenceInvalid, "\(path) is not a file of evidence: \(why)", state: "nothing was changed",
        help: ["make it again: phasedb rehearse --evidence \(path)"])
    }
    guard let file = EvidenceJSON.read(EvidenceJSON.File.self, from: text) else {
      throw invalid("it is damaged, or was not written by phasedb rehearse")
    }
    guard file.version == EvidenceJSON.version else {
      throw invalid("its version is \(file.version), and this phasedb reads \(EvidenceJSON.version)")
    }
    return try file.evidence.map { item throws(MigrationError) in
      guard let evidence = item.evidence else {
        throw invalid("what it says of \(item.phase) cannot be read")
      }
      return evidence
    }
  }
}
