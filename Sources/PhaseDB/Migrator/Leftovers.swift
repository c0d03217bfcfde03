internal import PhaseSQLite

/// Removes private copies of databases that a killed process, a power cut or a closed terminal left behind.
package enum Leftovers {
  /// Removes the copies of processes that have certainly ended. It looks in the temporary folder, beside a database
  /// and in other places. When there are none, it only reads the names in these folders.
  package static func remove(beside database: String? = nil, in others: [String] = []) {
    let folder = database.flatMap { $0.isEmpty ? nil : Self.folder(of: $0) }
    remove(in: [PrivateFolder.temporary, "/tmp"] + others + (folder.map { [$0] } ?? []))
  }

  /// The same only beside a database. The temporary folder can hold thousands of names, so it is read once.
  package static func remove(onlyBeside database: String) { remove(in: [folder(of: database)]) }

  private static func folder(of database: String) -> String {
    FileDurability.folder(of: (try? FileReading.absolute(database)) ?? database)
  }

  private static func remove(in places: [String]) {
    var seen: Set<String> = []
    for place in places where seen.insert((try? FileReading.absolute(place)) ?? place).inserted {
      PrivateFolder.removeAbandoned(in: place, settle: settle)
    }
  }

  /// Removes a snapshot that has its name but no entry in the ledger.
  ///
  /// - Returns: false when it is unknown whether the ledger has an entry.
  private static func settle(_ folder: String) -> Bool {
    guard let claim = SnapshotDraft.Claim(in: folder) else { return true }
    switch isRecorded(claim) {
    case true?: return true
    case false?:
      claim.removeFiles()
      return true
    case nil: return false
    }
  }

  private static func isRecorded(_ claim: SnapshotDraft.Claim) -> Bool? {
    guard !claim.database.isEmpty else { return false }
    do throws(MigrationError) {
      // If the database is gone, the snapshot may be all that is left of it, so it stays.
      guard let connection = try DatabaseFile.openForReading(claim.database, wait: .seconds(1)) else {
        return true
      }
      return try reading(connection) { () throws(MigrationError) in
        try lifting("reading the ledger") { () in
          try Knowledge(of: connection).ledger?.checkpoints.snapshots().values.contains {
            $0.path == claim.path
          } ?? false
        }
      }
    } catch {
      return nil
    }
  }
}
