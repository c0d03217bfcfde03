internal import CSQLite
internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

// usage: ScanBench scan FILE TABLE | ScanBench digest FILE READERS
//
// What a digest is held against: a loop that steps through a table and asks for every column, and does nothing with it.

/// Reads every column of every row, and answers how many bytes and rows there were.
func scan(_ file: String, _ table: String) -> (rows: Int, bytes: Int)? {
  var database: OpaquePointer?
  let opened = unsafe sqlite3_open_v2(file, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
  defer { unsafe sqlite3_close_v2(database) }
  var statement: OpaquePointer?
  guard opened == SQLITE_OK,
    unsafe sqlite3_prepare_v3(database, "SELECT * FROM \(table)", -1, 0, &statement, nil) == SQLITE_OK
  else { return nil }
  defer { unsafe sqlite3_finalize(statement) }
  let columns = unsafe sqlite3_column_count(statement)
  var (rows, bytes, sum) = (0, 0, Int64(0))
  while unsafe sqlite3_step(statement) == SQLITE_ROW {
    rows += 1
    for column in 0..<columns {
      switch unsafe sqlite3_column_type(statement, column) {
      case SQLITE_INTEGER: unsafe sum &+= sqlite3_column_int64(statement, column)
      case SQLITE_FLOAT: unsafe sum &+= Int64(bitPattern: sqlite3_column_double(statement, column).bitPattern)
      case SQLITE_TEXT:
        if unsafe sqlite3_column_text(statement, column) != nil { sum &+= 1 }
        unsafe bytes += Int(sqlite3_column_bytes(statement, column))
      case SQLITE_BLOB:
        if unsafe sqlite3_column_blob(statement, column) != nil { sum &+= 1 }
        unsafe bytes += Int(sqlite3_column_bytes(statement, column))
      default: break
      }
    }
  }
  // So that no compiler finds out that nobody wants the values.
  return (rows, sum == .min ? -1 : bytes)
}

let words = CommandLine.arguments
switch words.dropFirst().first {
case "scan" where words.count == 4:
  guard let found = scan(words[2], words[3]) else { exit(1) }
  print("\(found.rows) rows, \(found.bytes) bytes")
case "digest" where words.count == 4:
  print(try DatabaseDigest(ofFile: words[2], readers: Int(words[3]) ?? 1).text)
default: exit(64)
}
