/// A table as its CREATE TABLE or CREATE VIRTUAL TABLE in `sqlite_schema` declares it, read from the tokens alone.
package struct TableDefinition: Hashable, Sendable {
  package let name: SchemaName
  /// In the order of the table; empty for a virtual table, whose columns only its module knows.
  package private(set) var columns: [ColumnDefinition] = []
  /// The constraints written after the columns. `allConstraints` also has those of the columns.
  package private(set) var constraints: [TableConstraint] = []
  package private(set) var isStrict = false
  package private(set) var isWithoutRowID = false
  /// nil for an ordinary table.
  package private(set) var virtual: VirtualTable?

  /// Reads a CREATE TABLE; nil for any other text, also for CREATE TABLE … AS SELECT, which `sqlite_schema` never
  /// holds.
  package init?(_ sql: String) {
    var cursor = TokenCursor(sql)
    guard cursor.skip("create") else { return nil }
    _ = cursor.skip("temp") || cursor.skip("temporary")
    let isVirtual = cursor.skip("virtual")
    guard cursor.skip("table") else { return nil }
    _ = cursor.skip("if", "not", "exists")
    guard let name = cursor.qualifiedName() else { return nil }
    self.name = name
    if isVirtual {
      guard cursor.skip("using"), let module = cursor.name() else { return nil }
      let arguments = cursor.group()?.items().compactMap(\.fragment) ?? []
      virtual = VirtualTable(module: module, arguments: arguments)
      return
    }
    guard let items = cursor.group()?.items() else { return nil }
    for item in items {
      if TableConstraint.starts(with: item.word()) {
        constraints += TableConstraint.all(in: item)
      } else if let column = ColumnDefinition(reading: item) {
        columns.append(column)
      }
    }
    while !cursor.isAtEnd {
      if cursor.skip("without") {
        isWithoutRowID = cursor.name() == "rowid"
      } else if cursor.name() == "strict" {
        isStrict = true
      } else if !cursor.skip(",") {
        cursor.skipToken()
      }
    }
    settle()
  }

  /// Completes the columns with what follows from the rest of the table.
  private mutating func settle() {
    let key = primaryKey
    let names = key?.columns.map(\.column) ?? []
    for index in columns.indices {
      let name = columns[index].name
      if isStrict { columns[index].type = ColumnType(columns[index].type.declared, isStrict: true) }
      guard let position = names.firstIndex(of: name) else { continue }
      columns[index].keyPosition = position + 1
      // `INTEGER PRIMARY KEY DESC` is no rowid when it is written with the column, which is an old mistake kept for old
      // files (sqlite.org/lang_createtable.html#rowid).
      let isKeptFromRowID = columns[index].constraints.contains { constraint in
        if case .primaryKey(let key) = constraint.kind {
          key.columns.contains(where: \.isDescending)
        } else {
          false
        }
      }
      columns[index].isRowIDAlias =
        names.count == 1 && columns[index].type.isInteger && !isWithoutRowID && !isKeptFromRowID
      // sqlite.org/withoutrowid.html and sqlite.org/stricttables.html; other tables allow NULL in their keys.
      if isWithoutRowID || (isStrict && !columns[index].isRowIDAlias) { columns[index].isNotNull = true }
    }
  }
}

extension TableDefinition {
  /// Every constraint, those of the columns first, in the order they are written.
  package var allConstraints: [TableConstraint] { columns.flatMap(\.constraints) + constraints }

  package var primaryKey: PrimaryKey? {
    allConstraints.lazy.compactMap { if case .primaryKey(let key) = $0.kind { key } else { nil } }.first
  }

  package var hasAutoincrement: Bool { primaryKey?.hasAutoincrement ?? false }

  /// The conditions of its CHECKs.
  package var checks: [SQLFragment] {
    allConstraints.compactMap { if case .check(let condition) = $0.kind { condition } else { nil } }
  }

  package var foreignKeys: [ForeignKey] {
    allConstraints.compactMap { if case .foreignKey(let key) = $0.kind { key } else { nil } }
  }

  /// The columns of each UNIQUE constraint, without those of the primary key and of unique indexes.
  package var uniques: [(columns: [IndexedColumn], conflict: ConflictResolution)] {
    allConstraints.compactMap {
      if case .unique(let columns, let conflict) = $0.kind { (columns, conflict) } else { nil }
    }
  }

  package func column(_ name: SchemaName) -> ColumnDefinition? { columns.first { $0.name == name } }
}

extension TableDefinition {
  /// What identifies its rows; nil for a virtual table, and when the key is a rowid whose names are all taken by
  /// columns.
  package var rowKey: RowKey? {
    guard virtual == nil else { return nil }
    if let alias = columns.first(where: \.isRowIDAlias) {
      return RowKey(.integer, named: alias.name.spelled)
    }
    guard let primaryKey else { return rowIDName.map { RowKey(.rowID, named: $0) } }
    // The terms of a primary key are columns, never expressions (sqlite.org/lang_createtable.html).
    return RowKey(
      form: .columns,
      columns: primaryKey.columns.compactMap { term in
        term.column.map { name in
          let collation = term.collation ?? column(name)?.collation
          return RowKey.Column(
            name: column(name)?.name.spelled ?? name.spelled, collation: collation?.spelled ?? "BINARY")
        }
      })
  }

  /// A name of the rowid that no column has; nil when there is none.
  package var rowIDName: String? { isWithoutRowID ? nil : RowKey.rowIDName(beside: columns.map(\.name)) }
}

extension TableDefinition {
  package func has(_ names: [SchemaName]) -> Bool { names.allSatisfy { column($0) != nil } }
}
