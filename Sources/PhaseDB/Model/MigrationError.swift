package import PhaseSQLite

/// An error: what went wrong, where, in what state the database is now, and what to do next.
///
/// The one error type of the library: every public function throws it, typed. `id` is stable and is what a
/// program should look at; the sentences may be reworded in any release.
public struct MigrationError: Error, Sendable, Hashable {
  /// The kind of error, as printed in square brackets and documented in Errors.md.
  public package(set) var id: ID
  /// One sentence without a full stop, in lower case unless it starts with a name.
  public package(set) var message: Prose
  /// The place of the cause; nil when the cause is in no file.
  public package(set) var place: Place?
  /// Rows, differences and the like: one line each.
  public package(set) var details: [Prose]
  /// In what state the database is now; nil when no database was involved.
  public package(set) var state: Prose?
  /// What to do next, most useful first: one line each.
  public package(set) var help: [Prose]
  /// What the failure left behind. The exit code of the command line follows from it.
  public package(set) var standing: Standing

  package init(
    _ id: ID, _ message: Prose, at place: Place? = nil, details: [Prose] = [], state: Prose? = nil,
    help: [Prose] = [], standing: Standing = .unchanged
  ) {
    self.id = id
    self.message = message
    self.place = place
    self.details = details
    self.state = state
    self.help = help
    self.standing = standing
  }

  /// What a failed operation left behind.
  public enum Standing: String, Sendable, Hashable, CaseIterable {
    /// Refused, or failed before anything was changed.
    case unchanged
    /// Something was changed and all of it was undone: schema and rows are as they were before the operation.
    case undone
    /// Some phases of the operation are done and recorded, the rest is not.
    case partWay = "part-way"
    /// Timed out while waiting for another runner or writer; nothing was changed.
    case busy
  }
}

extension MigrationError: CustomStringConvertible {
  public var description: String {
    var text = "\(message) [\(id.rawValue)]"
    if let place { text = "\(place): \(text)" }
    return text
  }
}

/// Runs a body that changes nothing if it fails, and says so in errors that have no state yet.
func changingNothing<Result: ~Copyable>(
  _ body: () throws(MigrationError) -> Result
) throws(MigrationError) -> Result {
  do throws(MigrationError) {
    return try body()
  } catch {
    var error = error
    error.state = error.state ?? "nothing was changed"
    throw error
  }
}

/// Runs a body inside a transaction that an error rolls back, and marks its errors as undone.
///
/// An error outside such a body has changed nothing.
func undone<Result: ~Copyable>(
  _ body: () throws(MigrationError) -> Result
) throws(MigrationError) -> Result {
  do throws(MigrationError) {
    return try body()
  } catch {
    throw error.undone
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

extension MigrationError {
  /// The same error after something was changed and all of it was undone.
  var undone: MigrationError {
    var error = self
    if standing == .unchanged { error.standing = .undone }
    return error
  }

  /// The error after a request to stop.
  ///
  /// - Parameter activity: what was being done, as in "copying the database".
  package static func stopped(_ activity: Prose? = nil, at place: Place? = nil) -> MigrationError {
    MigrationError(
      .interrupted, activity.map { "\($0): stopped on request" } ?? "stopped on request", at: place,
      help: ["run the same command again"])
  }

  /// The same error with the state that it leaves.
  func leaving(_ state: Prose) -> MigrationError {
    var error = self
    error.state = state
    return error
  }

  /// Refuses to run phases inside somebody else's transaction.
  static let transactionOpen = MigrationError(
    .transactionOpen, "the connection has an open transaction", state: "nothing was changed",
    help: ["commit or roll it back before running phases"])

  /// Whether the file or the machine is the cause, and not the SQL that ran.
  var isOfSurroundings: Bool {
    [
      .databaseBusy, .databaseFull, .databaseReadOnly, .databaseUnreadable, .ioFailed, .outOfMemory,
      .tooCostly,
    ].contains(id)
  }

  // MARK: - What SQLite says

  /// The error of phasedb for an error of SQLite.
  ///
  /// - Parameters:
  ///   - error: what SQLite said.
  ///   - activity: what was being done, as in "reading the ledger"; it opens the sentence.
  ///   - place: where the failed statement is.
  package init(_ error: SQLiteError, while activity: Prose, at place: Place? = nil) {
    let sentence: Prose = "\(activity): \(error.message)"
    switch error.code.primary {
    // SQLite reports PROTOCOL when others held a lock of WAL mode for ten seconds (sqlite.org/rescode.html#protocol).
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
