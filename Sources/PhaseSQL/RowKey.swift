/// What tells the rows of a table apart, and finds them again.
package struct RowKey: Hashable, Sendable, Codable {
  package enum Form: String, Sendable, Codable {
    /// The rowid, which no column names. VACUUM may give it anew.
    case rowID
    /// A column that is the rowid (sqlite.org/lang_createtable.html#rowid).
    case integer
    /// The columns of a primary key that is not the rowid.
    case columns
  }

  package struct Column: Hashable, Sendable, Codable {
    package let name: String
    /// How the key compares its values, which need not be how the column does.
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

  /// The rowid, by that name of it or of a column.
  package init(_ form: Form, named name: String) {
    self.init(form: form, columns: [Column(name: name, collation: nil)])
  }

  package var names: [String] { columns.map(\.name) }

  /// Whether it is one number.
  package var isNumber: Bool { form != .columns }
}

extension RowKey {
  /// The names of the rowid, each as long as no column has it (sqlite.org/lang_createtable.html#rowid).
  package static let rowIDNames: [FoldedName] = ["rowid", "_rowid_", "oid"]

  /// The name of the rowid in a table with these columns; nil when they have every name of it.
  package static func rowIDName(beside columns: some Sequence<SchemaName>) -> String? {
    let taken = Set(columns.map(\.key))
    return rowIDNames.first { !taken.contains($0) }?.text
  }
}
