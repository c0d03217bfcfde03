internal import PhaseSQL

/// Every view and trigger that compiled before a phase must compile after it.
enum DanglingCode: TrialRule {
  static func findings(in trial: PhaseTrial, of folder: LintedFolder) -> [Finding] {
    trial.brokenCode.map { failure in
      let cause = cause(of: failure, in: trial)
      return Finding(
        .danglingCode, in: trial.id, message(failure),
        at: cause?.place(in: trial.phase.up) ?? trial.phase.up.place(at: trial.phase.up.firstTokenOffset),
        details: details(failure), remedies: remedies(failure))
    }
  }

  /// The views and triggers that do not compile in the baseline.
  static func findings(_ failures: [SchemaCode.Failure], in baseline: Script) -> [Finding] {
    failures.map { failure in
      let words = SQLWord.all(in: baseline.text)
      let name = words.indices.first { index in
        words[index].isName && words[index].text == failure.object.key.name
          && words[..<index].suffix(6).contains { $0.is(failure.object.key.type) }
      }
      return Finding(
        .danglingCode, in: nil, message(failure),
        at: name.map {
          baseline.place(at: words[$0].range.lowerBound, length: words[$0].range.count)
        } ?? baseline.beginningOfFile,
        details: details(failure)
          + ["every ALTER TABLE … RENAME fails while the schema holds something that does not compile"],
        remedies: remedies(failure))
    }
  }

  private static func message(_ failure: SchemaCode.Failure) -> Prose {
    "\(failure.object.title) does not compile: \(failure.message)"
  }

  private static func details(_ failure: SchemaCode.Failure) -> [Prose] {
    failure.dependents.map { "\($0) uses it and does not compile either" }
  }

  private static func remedies(_ failure: SchemaCode.Failure) -> [Prose] {
    let type = failure.object.key.type
    return [
      "DROP \(type.uppercased()) \(SQLName(failure.object.name));",
      "or drop the \(type) first, and create it again after the change without the missing name",
    ]
  }

  /// The statement that made it, or the last one that removed or changed something that it mentions. A statement that
  /// names the missing object is preferred.
  private static func cause(of failure: SchemaCode.Failure, in trial: PhaseTrial) -> StatementEffect? {
    let script = trial.phase.up
    let key = failure.object.key
    if let maker = trial.statements.last(where: { effect in
      let words = effect.words(in: script)
      return words.has("create", at: 0)
        && words.prefix(6).contains { $0.is(key.type) }
        && words.prefix(8).contains { $0.isName && $0.text == key.name }
    }) {
      return maker
    }
    let names = trial.code.names(in: key)
    let suspects = trial.statements.filter { effect in
      let touched = effect.writes.alteredTables.union(effect.writes.droppedTables)
      return !touched.isDisjoint(with: names) || effect.rename(in: script) != nil
    }
    let missing = Set(SQLWord.all(in: failure.message).lazy.filter(\.isName).map(\.text)).intersection(names)
    return suspects.last { effect in
      effect.words(in: script).contains { $0.isName && missing.contains($0.text) }
    } ?? suspects.last ?? trial.statements.first
  }
}
