internal import PhaseSQLite

/// Settings of SQLite for the whole process. Only the program `phasedb` uses them: a library must not decide them for
/// an application.
package enum SQLiteProcess {
  /// Makes SQLite ready for several threads at once. Must come before everything else that uses it.
  package static func begin() { SQLiteLibrary.countNoMemory() }
}
