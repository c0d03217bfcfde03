import Foundation
import PhaseSQLite

/// A database file in a folder of its own, which is gone when the test is over.
final class TemporaryFile {
  let folder: String
  let path: String

  init(named name: String = "test.db") throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "phasedb-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path
    path = folder + "/" + name
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The names in the folder.
  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? [] }

  func open(_ mode: Connection.Mode = .create) throws(SQLiteError) -> Connection {
    try Connection(path: path, mode: mode)
  }
}

/// What a body throws, nil when it does not.
func failure(_ body: () throws -> Void) -> SQLiteError? {
  do {
    try body()
    return nil
  } catch {
    return error as? SQLiteError
  }
}

func memory(_ sql: String = "") throws -> Connection {
  let connection = try Connection(path: "", mode: .memory)
  try connection.execute(script: sql)
  return connection
}
