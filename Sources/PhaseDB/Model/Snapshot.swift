/// A copy of a whole database as it was at a checkpoint.
package struct Snapshot: Sendable, Hashable {
  /// The absolute path of the file.
  package let path: String
  package let bytes: Int
  /// SHA-256 over the file, in hexadecimal.
  package let checksum: String

  /// The file beside it that holds its checksum, in the form that `sha256sum -c` reads.
  static func sidecar(of path: String) -> String { path + ".sha256" }

  /// `shop@before-release.db` for a database `data/shop.sqlite`.
  static func fileName(of database: String, at checkpoint: String) -> String {
    let file = database.split(separator: "/").last ?? "database"
    let stem = file.lastIndex(of: ".").map { $0 == file.startIndex ? file : file[..<$0] } ?? file
    return "\(stem)@\(checkpoint).db"
  }

  /// The error of a snapshot that cannot be made or restored.
  static func failed(_ message: Prose, help: Prose) -> MigrationError {
    MigrationError(.snapshotFailed, message, state: "nothing was changed", help: [help])
  }
}
