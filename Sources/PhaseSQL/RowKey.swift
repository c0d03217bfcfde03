/// What identifies the rows of a table.
package struct RowKey: Hashable, Sendable, Codable {
  package enum Form: String, Sendable, Codable {
    /// The rowid, which no column names. VACUUM may change it.
    case rowID
    /// A column that is the rowid (sqlite.org/lang_createtable.html#rowid).
    case integer
    /// The columns of a primary key that is not the rowid.
    case columns
  }

  package struct Column: Hashable, Sendable, Codable {
    package let name: String
    /// How the key compares its values; the column may compare them in another way.
    package let collation: String?

    package init(name: String, collation: String?) {
      self.name = name
      self.collation = collation
    }
  }

  package let form: Form
  package let columns: [Column]

  package init(form: Form, columns: [Column]) {
    self.form = form
    self.columns = columns
  }

  /// The rowid under one of its own names, or under that of a column.
  package init(_ form: Form, named name: String) {
    self.init(form: form, columns: [Column(name: name, collation: nil)])
  }

  package var names: [String] { columns.map(\.name) }

  /// Whether the key is one number.
  package var isNumber: Bool { form != .columns }
}

extension RowKey {
  /// The names of the rowid; each is valid unless a column has it (sqlite.org/lang_createtable.html#rowid).
  package static let rowIDNames: [FoldedName] = ["rowid", "_rowid_", "oid"]

  /// The name of the rowid in a table with these columns; nil when the columns have all its names.
  package static func rowIDName(beside columns: some Sequence<SchemaName>) -> String? {
    let taken = Set(columns.map(\.key))
    return rowIDNames.first { !taken.contains($0) }?.text
  }
}
