package import PhaseSQLite

extension MigrationError {
  /// The error of phasedb for an error of SQLite.
  ///
  /// - Parameters:
  ///   - error: what SQLite said.
  ///   - activity: what was being done, as in "reading the ledger"; it opens the sentence.
  ///   - place: where the failed statement is.
  package init(_ error: SQLiteError, while activity: Prose, at place: Place? = nil) {
    let sentence: Prose = "\(activity): \(error.message)"
    switch error.code.primary {
    // PROTOCOL is a lock of WAL mode that others did not let go of for ten seconds (sqlite.org/rescode.html#protocol).
    case .busy, .locked, .lockProtocol:
      self.init(
        .databaseBusy, "\(activity): another connection holds the database's lock", at: place,
        help: ["wait for the other writer, or allow more time with --wait 2m"], standing: .busy)
    case .full:
      self.init(
        .databaseFull, sentence, at: place, help: ["make room on the disk, then run the command again"])
    case .readOnly where error.code == .readOnlyMoved:
      self.init(
        .databaseReplaced,
        "\(activity): the database's file was deleted, moved or replaced while it was open", at: place,
        state: "uncommitted work was rolled back; the file that is at the path now was not touched",
        help: [
          "keep programs from replacing the file of a database that is in use",
          "see what the file at the path holds: phasedb status",
        ], standing: .undone)
    case .readOnly:
      self.init(
        .databaseReadOnly, sentence, at: place,
        help: ["make the file and its folder writable for the user that runs phasedb"])
    case .notADatabase:
      self.init(.notADatabase, sentence, at: place, help: ["check the path given with --database"])
    case .corrupt where error.code == .corruptVirtualTable:
      self.init(
        .statementFailed,
        "\(activity): a full-text index or R-tree does not agree with its rows: \(error.message)", at: place,
        help: ["rebuild the index, for FTS5 and FTS4 with: INSERT INTO name (name) VALUES ('rebuild')"])
    case .corrupt:
      self.init(
        .databaseDamaged, sentence, at: place,
        help: [
          "check it with: sqlite3 FILE 'PRAGMA integrity_check'", "restore it from a backup before migrating",
        ])
    case .format:
      self.init(
        .schemaUnreadable, "\(error.message)", at: place,
        help: [
          "create the object again with a name and SQL in UTF-8: copy its rows into a new table, then drop it",
          "such a name comes from a program that passed another encoding to SQLite: correct the program, too",
        ])
    case .cannotOpen:
      self.init(
        .databaseUnreadable, sentence, at: place, help: ["check the path and the permissions of the file"])
    case .interrupt where error.code == .tooCostly:
      self.init(
        .tooCostly, "\(activity): the SQL was stopped, because \(error.message)", at: place,
        help: ["limit its work: with LIMIT, a condition or fewer rows"])
    case .interrupt:
      self = .stopped(activity, at: place)
    case .ioError:
      self.init(
        .ioFailed, "\(sentence) (SQLite code \(error.code.rawValue))", at: place,
        help: [
          "check the system's log for errors of the disk or network file system, and copy the database to a sound one"
        ])
    case .noMemory:
      self.init(
        .outOfMemory, sentence, at: place, help: ["give the process more memory"])
    default:
      self.init(
        .sqliteFailed, "\(sentence) (SQLite code \(error.code.rawValue))", at: place,
        help: ["look up what the code means: https://www.sqlite.org/rescode.html"])
    }
  }
}

/// Runs a body that throws errors of SQLite, and turns them into a `MigrationError`.
///
/// - Parameter activity: what the body does, as in "reading the ledger".
package func lifting<Result: ~Copyable>(_ activity: Prose, _ body: () throws -> Result) throws(MigrationError)
  -> Result
{
  do {
    return try body()
  } catch let error as MigrationError {
    throw error
  } catch let error as SQLiteError {
    throw MigrationError(error, while: activity)
  } catch {
    throw MigrationError(.sqliteFailed, "\(activity): \(error)")
  }
}
