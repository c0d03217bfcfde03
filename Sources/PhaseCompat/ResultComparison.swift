internal import PhaseDB
internal import PhaseSQL
internal import PhaseSQLite

/// Compares what a script does on a state with what it did on its home state.
struct ResultComparison {
  let script: ApplicationScript
  let home: ScriptRun
  let here: ScriptRun

  func findings() -> [CompatibilityCheck.Finding] {
    let pairs = zip(home.queries, here.queries).filter { $0.lacking == nil && $1.lacking == nil }
    let findings = pairs.flatMap { compiling($0, $1) + results($0, $1) }
    // If a statement failed or was skipped, its rows are missing afterwards. That is not a separate finding.
    let isSame = home.queries.map(\.lacking) == here.queries.map(\.lacking)
    return findings.contains { !$0.isWarning } || !isSame ? findings : findings + rows()
  }
}

// MARK: - Compiling

extension ResultComparison {
  /// Differences that appear without a run.
  func compiling(_ home: QueryRun, _ here: QueryRun) -> [CompatibilityCheck.Finding] {
    let query = here.query
    if let refusal = here.refusal {
      guard home.refusal == nil else { return [] }
      let offset = refusal.offset ?? query.sql.firstTokenOffset
      return [
        finding(
          .compiling, query, "does not compile: \(refusal.message)",
          at: query.sql.place(at: offset, length: query.sql.tokenLength(at: offset)))
      ]
    }
    guard let before = home.compiled, let after = here.compiled else { return [] }
    let losses = after.footprint.losses(from: before.footprint)
    if !before.columns.elementsEqual(after.columns, by: { $0.hasSameBytes(as: $1) }),
      losses.isEmpty || before.columns.count != after.columns.count
    {
      return [
        finding(
          .compiling, query,
          "returns the columns \(after.columns.joined(separator: ", ")) instead of \(before.columns.joined(separator: ", "))"
        )
      ]
    }
    let slower =
      after.footprint.isWrite && !after.footprint.views.isEmpty ? [] : after.slower(than: before)
    return (losses + after.footprint.gains(over: before.footprint)).map { finding(.compiling, query, $0) }
      + slower.map { finding(.plan, query, "reads all of \($0); before, it looked rows up") }
  }

  private func finding(
    _ check: CompatibilityCheck.Finding.Check, _ query: ApplicationQuery, _ message: Prose,
    details: [Prose] = [], at place: Place? = nil
  ) -> CompatibilityCheck.Finding {
    CompatibilityCheck.Finding(
      check: check, application: script.application, version: script.version, query: query.title,
      message: message, details: details, place: place ?? query.place)
  }
}

extension QueryRun.Compiled {
  fileprivate func slower(than home: QueryRun.Compiled) -> [String] {
    guard let plan, let before = home.plan else { return [] }
    return plan.slower(than: before)
  }
}

// MARK: - Running

extension ResultComparison {
  private func results(_ home: QueryRun, _ here: QueryRun) -> [CompatibilityCheck.Finding] {
    guard let compiled = here.compiled, let before = home.compiled,
      compiled.columns.count == before.columns.count
    else { return [] }
    var findings: [CompatibilityCheck.Finding] = []
    for (index, (expected, found)) in zip(home.outcomes, here.outcomes).enumerated() {
      guard let (message, details) = difference(expected, found, compiled) else { continue }
      let values = here.query.valueLines(index)
      findings.append(finding(.results, here.query, message, details: values.map { Prose($0) } + details))
      // The other rows of values would most likely show the same.
      break
    }
    guard findings.isEmpty else { return findings }
    for (table, count) in home.counts.sorted(by: { $0.key < $1.key }) {
      guard let found = here.counts[table], found != count else { continue }
      findings.append(
        finding(
          .results, here.query, "leaves \(DetailLines.rows(Int(found))) in \(table) instead of \(count)"))
    }
    return findings
  }

  private func difference(
    _ expected: QueryOutcome, _ found: QueryOutcome, _ compiled: QueryRun.Compiled
  ) -> (message: Prose, details: [Prose])? {
    switch (expected, found) {
    case (.failed(let code, let message), .failed(let other, let otherMessage)):
      return code == other ? nil : ("fails with another error: \(otherMessage)", ["before: \(message)"])
    case (.failed(_, let message), .done):
      return ("no longer fails", ["before: \(message)"])
    case (.done, .failed(_, let message)): return ("fails: \(message)", [])
    case (.done(let before), .done(let after)): return difference(before, after, compiled)
    }
  }

  private func difference(
    _ before: QueryResult, _ after: QueryResult, _ compiled: QueryRun.Compiled
  ) -> (message: Prose, details: [Prose])? {
    if before.rows != after.rows || !before.hasSameRest(as: after) {
      let lost = before.rows.subtracting(after.rows)
      let gained = after.rows.subtracting(before.rows)
      guard lost.isEmpty, gained.isEmpty, before.hasSameRest(as: after) else {
        let count = before.count == after.count ? "" : ", \(after.count) instead of \(before.count)"
        return ("returns other rows\(count)", lines(before, after, lost, gained, compiled.columns))
      }
      if let order = compiled.order, !order.isSame(before.rows, after.rows) {
        return ("returns its rows in another order", [])
      }
    }
    if let changes = before.changes, let now = after.changes, changes != now {
      return ("changes \(DetailLines.rows(now)) instead of \(changes)", [])
    }
    if before.lastInsertRowID != after.lastInsertRowID {
      let (old, new) = (before.lastInsertRowID ?? 0, after.lastInsertRowID ?? 0)
      return ("leaves another last_insert_rowid()", ["before: \(old)", "after:  \(new)"])
    }
    return nil
  }

  private func lines(
    _ before: QueryResult, _ after: QueryResult, _ lost: [[Value]], _ gained: [[Value]], _ columns: [String]
  ) -> [Prose] {
    if lost.isEmpty, gained.isEmpty { return ["the rows differ after the first \(QueryResult.kept)"] }
    return lost.prefix(5).map { "before: \(line(columns, $0))" }
      + gained.prefix(5).map { "after:  \(line(columns, $0))" }
  }

  private func line(_ columns: [String], _ row: [Value]) -> Prose {
    zip(columns, row).map { "\($0) = \($1)" as Prose }.joined(separator: ", ")
  }

  /// Compares the rows that the script touched, in the columns that it knew at home.
  private func rows() -> [CompatibilityCheck.Finding] {
    var findings: [CompatibilityCheck.Finding] = []
    for (key, before) in home.rows.sorted(by: { $0.key.description < $1.key.description }) {
      guard let after = here.rows[key] else { continue }
      if let before, let after {
        for (column, value) in before.sorted(by: { $0.key < $1.key }) {
          guard let now = after[column], now != value else { continue }
          add(
            "leaves another value in \(key.table).\(column)",
            ["in \(key)", "before: \(value)", "after:  \(now)"])
        }
      } else if (before == nil) != (after == nil) {
        add(
          after == nil ? "loses a row of \(key.table)" : "leaves a row of \(key.table) that it should delete",
          ["it is \(key)"])
      }
    }
    func add(_ message: Prose, _ details: [Prose]) {
      guard !findings.contains(where: { $0.message == message }) else { return }
      findings.append(
        CompatibilityCheck.Finding(
          check: .results, application: script.application, version: script.version, query: nil,
          message: message, details: details, place: script.queries.first?.place))
    }
    return findings
  }
}

extension ApplicationQuery {
  /// The values of a run, as a person reads them; none for a statement without parameters.
  func valueLines(_ row: Int) -> [String] {
    guard rows.indices.contains(row), !parameters.isEmpty else { return [] }
    let values = zip(parameters, rows[row]).map { parameter, source in
      let name = parameter.name?.text ?? "\(parameter.number)"
      switch source {
      case .value(let value): return "\(name) = \(value)"
      case .result(let result): return "\(name) = :\(result)"
      }
    }
    return ["with \(values.joined(separator: ", "))"]
  }
}

extension [[Value]] {
  /// The rows that another list lacks, each as often as it is missing there, in their order.
  fileprivate func subtracting(_ others: [[Value]]) -> [[Value]] {
    var counts = Dictionary(others.map { ($0, 1) }, uniquingKeysWith: +)
    return filter { row in
      guard let count = counts[row], count > 0 else { return true }
      counts[row] = count - 1
      return false
    }
  }
}
