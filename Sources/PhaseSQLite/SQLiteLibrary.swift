internal import CSQLite
package import PhaseSQL

/// The library as the process has it, with all its connections.
package enum SQLiteLibrary {
  /// Keeps no account of the memory in use, for which every allocation on every thread takes one and the same lock.
  ///
  /// - Returns: false when the library is in use already, and goes on as it was
  ///   (sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus).
  @discardableResult
  package static func countNoMemory() -> Bool { phasedb_config_memory_statistics(0) == SQLITE_OK }
}

extension SQLiteVersion {
  /// The library this process runs with, which need not be the one it was built with.
  package static var running: SQLiteVersion { SQLiteVersion(number: Int(sqlite3_libversion_number())) }
}
