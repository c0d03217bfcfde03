internal import CSQLite
package import PhaseSQL

/// The SQLite library of the process, with all its connections.
package enum SQLiteLibrary {
  /// Switches off the count of memory in use, for which every allocation on every thread takes the same lock.
  ///
  /// - Returns: false when the library is already in use and nothing changed
  ///   (sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus).
  @discardableResult
  package static func countNoMemory() -> Bool { phasedb_config_memory_statistics(0) == SQLITE_OK }
}

extension SQLiteVersion {
  /// The version this process runs with; it may have been built with another.
  package static var running: SQLiteVersion { SQLiteVersion(number: Int(sqlite3_libversion_number())) }
}
