internal import PhaseSQL
internal import PhaseSQLite

/// The statements of a script, read by their tokens, with the final name of each table: a rebuild makes a table under
/// another name and renames it at the end.
struct ScriptStatements {
  let script: Script
  private(set) var all: [Statement]

  init(_ script: Script) {
    self.script = script
    let bytes = Array(script.text.utf8)
    all = SQLSplitter(bytes: bytes).statements.map { Statement(bytes, $0) }
    followRenames()
  }

  struct Statement {
    enum Action: Hashable {
      case createTable, alterTable, dropTable
      case renameTable(to: SchemaName)
      case createView
      case createIndex, dropIndex
      case createTrigger, dropTrigger
      case other
    }

    struct Word {
      let name: SchemaName
      let range: Range<Int>
    }

    /// Every token that may be a name or a keyword.
    let words: [Word]
    fileprivate(set) var action = Action.other
    /// What it makes, changes or drops.
    fileprivate(set) var object: SchemaName?
    /// The name of the object before the script; nil when the script made it.
    fileprivate(set) var origin: SchemaName?
    /// The name of the object after the script; nil when it is gone.
    fileprivate(set) var outcome: SchemaName?
  }

  /// The statement that drops a table of the schema before the script, even when the script renamed it first.
  func drop(ofTable table: SchemaName) -> Statement? {
    all.first { $0.action == .dropTable && $0.origin == table }
  }

  /// Whether the script drops an index or a trigger by its name.
  func drops(_ action: Statement.Action, _ name: SchemaName) -> Bool {
    all.contains { $0.action == action && $0.object == name }
  }

  /// The place where the script gives a table this column or constraint; otherwise the place where it makes or
  /// changes the table.
  func place(ofTable table: SchemaName, _ word: SchemaName? = nil) -> Place {
    let about = all.filter { statement in
      switch statement.action {
      case .createTable, .alterTable, .renameTable: statement.outcome == table
      default: false
      }
    }
    if let word, let statement = about.last(where: { $0.last(word) != nil }) {
      return place(of: statement.last(word))
    }
    return place(of: (about.last { $0.action == .createTable } ?? about.last)?.nameOfObject)
  }

  /// Where the script makes an index, a trigger, a view or a table.
  func place(ofMaking name: SchemaName) -> Place {
    let makers: [Statement.Action] = [.createIndex, .createTrigger, .createView, .createTable]
    let maker = all.last { makers.contains($0.action) && ($0.object == name || $0.outcome == name) }
    return place(of: maker?.nameOfObject)
  }

  /// The place of a token; without one, the first token of the script.
  func place(of word: Statement.Word?) -> Place {
    guard let word else { return script.place(at: script.firstTokenOffset) }
    return script.place(at: word.range.lowerBound, length: word.range.count)
  }
}

extension ScriptStatements.Statement {
  fileprivate init(_ script: [UInt8], _ range: Range<Int>) {
    let bytes = script[range]
    words = SQLTokens(bytes: Array(bytes)).compactMap { token in
      let place = (token.range.lowerBound + range.lowerBound)..<(token.range.upperBound + range.lowerBound)
      return SchemaName(token.kind, bytes[place]).map { Word(name: $0, range: place) }
    }
    var cursor = TokenCursor(String(decoding: bytes, as: UTF8.self))
    if cursor.skip("create") {
      _ = cursor.skip("unique") || cursor.skip("virtual")
      if cursor.skip("table") {
        action = .createTable
      } else if cursor.skip("view") {
        action = .createView
      } else if cursor.skip("index") {
        action = .createIndex
      } else if cursor.skip("trigger") {
        action = .createTrigger
      }
      _ = cursor.skip("if", "not", "exists")
    } else if cursor.skip("drop") {
      if cursor.skip("table") {
        action = .dropTable
      } else if cursor.skip("index") {
        action = .dropIndex
      } else if cursor.skip("trigger") {
        action = .dropTrigger
      }
      _ = cursor.skip("if", "exists")
    } else if cursor.skip("alter", "table") {
      action = .alterTable
    }
    guard action != .other else { return }
    object = cursor.qualifiedName()
    if action == .alterTable, cursor.skip("rename", "to"), let name = cursor.name() {
      action = .renameTable(to: name)
    }
  }

  var nameOfObject: Word? { object.flatMap { object in words.first { $0.name == object } } }

  func last(_ name: SchemaName) -> Word? { words.last { $0.name == name } }

  /// Whether it gives one of its columns this name.
  func renamesColumn(to column: SchemaName) -> Bool {
    guard action == .alterTable, words.count > 5, words.last?.name == column else { return false }
    return words[words.count - 2].name == "to" && words.contains { $0.name == "rename" }
  }
}

extension ScriptStatements {
  private mutating func followRenames() {
    // Present names of objects that had another name before the script, or did not exist.
    var origins: [SchemaName: SchemaName?] = [:]
    for index in all.indices {
      guard let object = all[index].object else { continue }
      let origin = origins[object] ?? object
      switch all[index].action {
      case .createTable:
        origins[object] = .some(nil)
      case .alterTable:
        all[index].origin = origin
      case .dropTable:
        all[index].origin = origin
        origins[object] = .some(nil)
      case .renameTable(let name):
        all[index].origin = origin
        origins[name] = .some(origin)
        origins[object] = .some(nil)
      default: break
      }
    }
    // The same backwards: names of objects that have another name after the script, or are gone.
    var outcomes: [SchemaName: SchemaName?] = [:]
    for index in all.indices.reversed() {
      guard let object = all[index].object else { continue }
      switch all[index].action {
      case .dropTable: outcomes[object] = .some(nil)
      case .renameTable(let name):
        let outcome = outcomes[name] ?? name
        all[index].outcome = outcome
        outcomes[object] = .some(outcome)
        outcomes[name] = .some(nil)
      default: all[index].outcome = outcomes[object] ?? object
      }
    }
  }
}
