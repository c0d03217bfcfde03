internal import PhaseSQLite

/// A statement, or a part of one, that counts the columns of a table instead of naming them.
struct PositionalUse {
  enum Kind {
    /// `INSERT INTO t VALUES …`
    case insert
    /// `SELECT *`, `SELECT t.*`
    case star
  }

  let kind: Kind
  /// The name of the table, case-folded.
  let table: FoldedName
  /// UTF-8 offsets into the SQL, of the table's name in an INSERT and of the `*` in a SELECT.
  let range: Range<Int>

  /// Every such use in SQL of one or more statements, found by tokens.
  static func all(in sql: String) -> [PositionalUse] {
    // Most texts have neither.
    let lower = sql.asciiLowercased
    guard lower.contains("into") || lower.contains("*") else { return [] }
    var uses: [PositionalUse] = []
    for words in SQLWord.all(in: sql).split(whereSeparator: { $0.is(";") }).map(Array.init) {
      let local = words.commonTableNames
      for index in words.indices {
        if words[index].is("into"), let use = words.insert(at: index) { uses.append(use) }
        if words[index].is("select") { uses += words.stars(at: index).filter { !local.contains($0.table) } }
      }
    }
    return uses
  }
}

extension [SQLWord] {
  /// The names that WITH gives to queries of its own, which hide tables: `name AS (`, `name (a) AS MATERIALIZED (`.
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
    guard let target = qualifiedName(at: index + 1) else { return nil }
    var next = target.end
    if has("as", at: next) { next += 2 }
    guard has("values", at: next) || has("select", at: next) || has("with", at: next) else { return nil }
    return PositionalUse(kind: .insert, table: self[target.name].text, range: self[target.name].range)
  }

  /// What the stars in the result of the SELECT at an index stand for.
  fileprivate func stars(at select: Int) -> [PositionalUse] {
    // EXISTS asks for rows and not for what is in them.
    if select > 1, self[select - 1].is("("), self[select - 2].is("exists") { return [] }
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
    guard !stars.isEmpty, index < count, self[index].is("from") else { return [] }
    let sources = sources(from: index)
    return stars.flatMap { star in
      sources.filter { star.qualifier == nil || star.qualifier == $0.alias }
        .map { PositionalUse(kind: .star, table: $0.table, range: star.range) }
    }
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

  /// Keywords that may follow the name of a table and are not another name for it.
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
