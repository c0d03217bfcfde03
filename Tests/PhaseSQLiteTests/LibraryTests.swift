import CSQLite
import Foundation
import PhaseSQL
import Testing

@testable import PhaseSQLite

@Suite("The SQLite that the tests run with")
struct LibraryTests {
  /// `Scripts/test` names it when it was told which one to take.
  static let asked = ProcessInfo.processInfo.environment["PHASEDB_SQLITE_VERSION"]

  @Test("is one that phasedb supports, and its headers are of the same version")
  func headers() {
    print("SQLite \(SQLiteVersion.running), headers \(SQLITE_VERSION)")
    #expect(SQLiteVersion.running >= .oldest)
    #expect(SQLiteVersion(number: Int(SQLITE_VERSION_NUMBER)) == .running)
  }

  @Test("keeps its account of memory once it is in use")
  func memory() throws {
    let connection = try Connection(path: "", mode: .memory)
    let isChanged = SQLiteLibrary.countNoMemory()
    #expect(!isChanged)
    #expect(try connection.value("SELECT 1") == 1)
  }

  @Test("is the one that was asked for", .enabled(if: asked != nil))
  func version() throws {
    #expect(SQLiteVersion.running == SQLiteVersion(try #require(Self.asked)))
  }
}
