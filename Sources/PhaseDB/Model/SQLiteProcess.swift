internal import PhaseSQLite

/// What a program that is phasedb and nothing else decides about SQLite as a whole. A library has no say in it: the process
/// is not its own.
package enum SQLiteProcess {
  /// Makes SQLite ready for several threads at once. Must come before everything else that uses it.
  package static func begin() { SQLiteLibrary.countNoMemory() }
}
