package import PhaseSQL
internal import PhaseSQLite

/// A part of a statement that depends on the number and order of a table's columns, because it does not name them.
package struct PositionalUse {
  package enum Kind {
    /// `INSERT INTO t VALUES …`
    case insert
    /// `SELECT *`, `SELECT t.*`
    case star
    /// A star in a query whose columns the outer statement uses by name, or does not use.
    case innerStar
  }

  package let kind: Kind
  /// The name of the table, case-folded.
  package let table: FoldedName
  /// UTF-8 offsets into the SQL, of the table's name in an INSERT and of the `*` in a SELECT.
  let range: Range<Int>

  /// Every such use in SQL of one or more statements, found by tokens.
  package static func all(in sql: String) -> [PositionalUse] {
    // A fast way out: most texts have neither.
    let lower = sql.asciiLowercased
    guard lower.contains("into") || lower.contains("*") else { return [] }
    var uses: [PositionalUse] = []
    for words in SQLWord.all(in: sql).split(whereSeparator: { $0.is(";") }).map(Array.init) {
      let local = words.commonTableNames
      for index in words.indices {
        if words[index].is("into"), let use = words.insert(at: index) { uses.append(use) }
        if words[index].is("select") { uses += words.uses(at: index).filter { !local.contains($0.table) } }
      }
    }
    return uses
  }
}

extension [SQLWord] {
  /// The names of common table expressions, which hide tables: `name AS (`, `name (a) AS MATERIALIZED (`.
  fileprivate var commonTableNames: Set<FoldedName> {
    guard contains(where: { $0.is("with") }) else { return [] }
    var names: Set<FoldedName> = []
    for index in indices where self[index].is("as") && index > 0 {
      guard
        has("(", at: index + 1) || has("materialized", at: index + 1)
          || has("not", "materialized", at: index + 1)
      else { continue }
      var name = index - 1
      if self[name].is(")") {
        var depth = 0
        repeat {
          if self[name].is(")") { depth += 1 }
          if self[name].is("(") { depth -= 1 }
          name -= 1
        } while name > 0 && depth > 0
      }
      if self[name].isName { names.insert(self[name].text) }
    }
    return names
  }

  /// An INSERT without a list of columns, whose INTO is at an index.
  fileprivate func insert(at index: Int) -> PositionalUse? {
    guard let target = InsertTarget(self, into: index), target.columns == nil,
      ["values", "select", "with"].contains(where: { has($0, at: target.end) })
    else { return nil }
    return PositionalUse(kind: .insert, table: target.table.text, range: target.table.range)
  }

  /// The uses for the stars among the result columns of the SELECT at an index.
  fileprivate func uses(at select: Int) -> [PositionalUse] {
    let (stars, from) = stars(at: select)
    guard !stars.isEmpty, let from else { return [] }
    let kind: PositionalUse.Kind = isPositional(select) ? .star : .innerStar
    let sources = sources(from: from)
    return stars.flatMap { star in
      sources.filter { star.qualifier == nil || star.qualifier == $0.alias }
        .map { PositionalUse(kind: kind, table: $0.table, range: star.range) }
    }
  }

  /// The stars among the result columns of the SELECT at an index, and the place of its FROM.
  private func stars(at select: Int) -> (stars: [(qualifier: FoldedName?, range: Range<Int>)], from: Int?) {
    var stars: [(qualifier: FoldedName?, range: Range<Int>)] = []
    var index = select + 1
    var isStartOfItem = true
    while index < count, !self[index].is("from"), !endsSelect(at: index) {
      if self[index].is("(") {
        index = endOfGroup(at: index)
        isStartOfItem = false
        continue
      }
      if isStartOfItem, self[index].is("*") { stars.append((nil, self[index].range)) }
      if isStartOfItem, self[index].isName, has(".", "*", at: index + 1) {
        stars.append((self[index].text, self[index + 2].range))
      }
      isStartOfItem =
        self[index].is(",") || (isStartOfItem && (self[index].is("distinct") || self[index].is("all")))
      index += 1
    }
    return (stars, index < count && self[index].is("from") ? index : nil)
  }

  /// Whether the number or order of the columns of the SELECT at an index matters.
  ///
  /// Columns of a subquery in FROM and of a WITH are used by name, unless an outer SELECT passes them on with a star.
  /// In all other places the order matters: for the reader of the statement, in INSERT, UNION and IN, and in unclear
  /// cases.
  ///
  /// - Parameter seen: the SELECTs for which this one is already being examined.
  private func isPositional(_ select: Int, seen: Set<Int> = []) -> Bool {
    guard !seen.contains(select), let opening = opening(around: select) else { return true }
    if opening > 0, self[opening - 1].is("exists") { return false }
    guard !isCompound(in: opening) else { return true }
    let seen = seen.union([select])
    if let name = nameInWith(at: opening) {
      guard let name else { return true }
      return indices.contains { index in
        guard self[index].is("select"), !seen.contains(index) else { return isInOperand(index, name) }
        let (stars, from) = stars(at: index)
        let aliases = from.map { sources(from: $0).filter { $0.table == name }.map(\.alias) } ?? []
        let handsOn = stars.contains { star in
          !aliases.isEmpty && (star.qualifier.map(aliases.contains) ?? true)
        }
        return handsOn && isPositional(index, seen: seen)
      }
    }
    guard let outer = reader(ofSourceAt: opening) else { return true }
    let alias = alias(at: endOfGroup(at: opening))
    let handsOn = stars(at: outer).stars.contains { $0.qualifier == nil || $0.qualifier == alias }
    return handsOn && isPositional(outer, seen: seen)
  }

  /// The parenthesis that encloses an index.
  private func opening(around index: Int) -> Int? {
    var depth = 0
    for candidate in self.indices.prefix(index).reversed() {
      if self[candidate].is(")") { depth += 1 }
      if self[candidate].is("(") {
        if depth == 0 { return candidate }
        depth -= 1
      }
    }
    return nil
  }

  private func isCompound(in opening: Int) -> Bool {
    var index = opening + 1
    let end = endOfGroup(at: opening) - 1
    while index < end {
      if self[index].is("(") {
        index = endOfGroup(at: index)
        continue
      }
      if ["union", "except", "intersect"].contains(where: { self[index].is($0) }) { return true }
      index += 1
    }
    return false
  }

  /// The name that WITH gives to the query in a parenthesis. The inner value is nil when WITH also names its columns;
  /// the outer value is nil when the parenthesis is not such a query.
  private func nameInWith(at opening: Int) -> FoldedName?? {
    var last = opening - 1
    if last > 0, self[last].is("materialized") { last -= self[last - 1].is("not") ? 2 : 1 }
    guard last > 0, self[last].is("as"), contains(where: { $0.is("with") }) else { return nil }
    return .some(self[last - 1].isName ? self[last - 1].text : nil)
  }

  /// Whether a name is the whole right side of IN. Then the number of its columns matters.
  private func isInOperand(_ index: Int, _ name: FoldedName) -> Bool {
    index > 0 && self[index].isName && self[index].text == name && self[index - 1].is("in")
  }

  /// The SELECT or UPDATE that has the parenthesis at an index among the sources of its FROM.
  private func reader(ofSourceAt opening: Int) -> Int? {
    guard opening > 0 else { return nil }
    // A join in parentheses belongs to the SELECT around it.
    let isFirst = self[opening - 1].is("(")
    guard isFirst || ["from", "join", ","].contains(where: { self[opening - 1].is($0) }) else { return nil }
    var depth = 0
    var hasFrom = false
    for index in self.indices.prefix(opening).reversed() {
      if self[index].is(")") { depth += 1 }
      if self[index].is("(") {
        if depth == 0 { return hasFrom ? nil : reader(ofSourceAt: index) }
        depth -= 1
      }
      guard depth == 0 else { continue }
      if ["where", "group", "having", "order", "limit", "window"].contains(where: { self[index].is($0) }) {
        return nil
      }
      if self[index].is("from") { hasFrom = true }
      // UPDATE … FROM takes columns by name, and has no star.
      if self[index].is("select") || self[index].is("update") { return hasFrom ? index : nil }
    }
    return nil
  }

  /// The alias of a source that ends before an index.
  private func alias(at end: Int) -> FoldedName? {
    let index = has("as", at: end) ? end + 1 : end
    guard indices.contains(index), self[index].isName, !Self.behindTable.contains(self[index].text) else {
      return nil
    }
    return self[index].text
  }

  /// The tables of the FROM at an index, each under the name by which the query knows it.
  private func sources(from start: Int) -> [(table: FoldedName, alias: FoldedName)] {
    var sources: [(table: FoldedName, alias: FoldedName)] = []
    var index = start
    var expectsSource = true
    while index + 1 < count {
      index += 1
      if self[index].is("(") {
        // A query in parentheses is a SELECT of its own; a join in parentheses belongs to this one.
        if expectsSource, !has("select", at: index + 1), !has("with", at: index + 1),
          !has("values", at: index + 1)
        {
          continue
        }
        index = endOfGroup(at: index) - 1
        expectsSource = false
      } else if self[index].is(",") || self[index].is("join") {
        expectsSource = true
      } else if endsFrom(at: index) {
        break
      } else if expectsSource, let name = qualifiedName(at: index) {
        expectsSource = false
        index = name.end - 1
        guard !has("(", at: name.end) else { continue }
        let table = self[name.name].text
        let alias = has("as", at: name.end) ? name.end + 1 : name.end
        let hasAlias =
          indices.contains(alias) && self[alias].isName && !Self.behindTable.contains(self[alias].text)
        sources.append((table, hasAlias ? self[alias].text : table))
        if hasAlias { index = alias }
      }
    }
    return sources
  }

  /// Keywords that may follow the name of a table and are not its alias.
  private static let behindTable: Set<FoldedName> = [
    "where", "group", "having", "order", "limit", "window", "union", "except", "intersect", "join", "left",
    "right",
    "full", "inner", "cross", "natural", "outer", "on", "using", "indexed", "not", "end", "returning",
  ]

  private func endsSelect(at index: Int) -> Bool {
    self[index].is(")") || self[index].is("union") || self[index].is("except") || self[index].is("intersect")
  }

  private func endsFrom(at index: Int) -> Bool {
    // ON CONFLICT of an INSERT … SELECT comes behind its WHERE (sqlite.org/lang_upsert.html#parsing_ambiguity).
    endsSelect(at: index)
      || ["where", "group", "having", "order", "limit", "window"].contains { self[index].is($0) }
  }
}

/// The places where the SQL of a folder depends on columns by position, by table. It is made once for all phases.
struct PositionalIndex {
  struct Entry {
    let use: PositionalUse
    let script: Script
    let source: Source

    var place: Place { script.place(at: use.range.lowerBound, length: use.range.count) }
  }

  enum Source {
    /// A version of an application; both nil when the file's name does not give them.
    case application(name: String?, version: Version?)
    case phase(PhaseID, Direction, needs: [String])
  }

  private var entries: [FoldedName: [Entry]] = [:]

  init(_ catalog: Catalog, corpus: [Script]) {
    for script in corpus {
      let file = Corpus.File(path: script.file)
      // Without a version it is unknown when an application runs.
      add(
        script,
        .application(name: file?.version.map { _ in file?.application } ?? nil, version: file?.version))
    }
    for (id, phase) in catalog.phases {
      add(phase.up, .phase(id, .up, needs: phase.needs))
      add(phase.down, .phase(id, .down, needs: phase.needs))
    }
  }

  private mutating func add(_ script: Script, _ source: Source) {
    for use in PositionalUse.all(in: script.text) {
      entries[use.table, default: []].append(Entry(use: use, script: script, source: source))
    }
  }

  subscript(table: FoldedName) -> [Entry] { entries[table] ?? [] }
}
