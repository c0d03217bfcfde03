import CSQLite
import Foundation
import Testing

@testable import PhaseDB
@testable import PhaseSQLite

@Suite("What phases may call")
struct FunctionListTests {
  /// Functions and modules of SQLite that somebody has looked at and let pass. A newer SQLite with another one fails the
  /// test below until it stands here, in `FunctionList.harmful` or in `needless`.
  static let decided: Set<String> = [
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil", "ceiling",
    "changes", "char", "coalesce", "concat", "concat_ws", "cos", "cosh", "count", "cume_dist", "current_date",
    "current_time", "current_timestamp", "date", "datetime", "degrees", "dense_rank", "exp", "first_value",
    "floor", "format", "glob", "group_concat", "hex", "if", "ifnull", "iif", "instr", "json", "json_array",
    "json_array_length", "json_each", "json_error_position", "json_extract", "json_group_array",
    "json_group_object", "json_insert", "json_object", "json_patch", "json_pretty", "json_quote",
    "json_remove",
    "json_replace", "json_set", "json_type", "json_valid", "json_array_insert", "jsonb", "jsonb_array",
    "jsonb_array_insert", "jsonb_extract",
    "jsonb_group_array", "jsonb_group_object", "jsonb_insert", "jsonb_object", "jsonb_patch", "jsonb_remove",
    "jsonb_replace", "jsonb_set", "julianday", "lag", "last_insert_rowid", "last_value", "lead", "length",
    "like",
    "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "ltrim", "max", "median", "min", "mod",
    "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "percentile", "percentile_cont",
    "percentile_disc", "pi", "pow", "power", "printf", "quote", "radians", "random", "randomblob", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "sin", "sinh", "soundex", "sqlite_compileoption_get",
    "sqlite_compileoption_used", "sqlite_offset", "sqlite_source_id", "sqlite_version", "sqrt", "strftime",
    "string_agg", "substr", "substring", "subtype", "sum", "tan", "tanh", "time", "timediff", "total",
    "total_changes", "trim", "trunc", "typeof", "unhex", "unicode", "unistr", "unistr_quote", "unixepoch",
    "unlikely", "upper", "zeroblob",
  ]

  /// Functions that are refused because they have no mark, and no phase needs.
  static let needless: Set<String> = ["fts5", "rtreedepth", "rtreenode"]

  @Test("every function of the SQLite at hand was decided about")
  func functions() throws {
    let connection = try Connection(path: "", mode: .memory)
    let names = Set(
      try connection.rows("SELECT DISTINCT lower(name) FROM pragma_function_list").compactMap { $0[0].text })
    try #require(names.count > 100)
    let allowed = Self.decided.union(FunctionList.unmarked)
    #expect(
      names.subtracting(allowed).subtracting(FunctionList.harmful).subtracting(Self.needless).sorted() == [])
    let list = FunctionList(of: connection)
    #expect(names.filter { list.allows($0) != allowed.contains($0) }.sorted() == [])
  }

  @Test("every module of the SQLite at hand was decided about")
  func modules() throws {
    let connection = try Connection(path: "", mode: .memory)
    let names = Set(
      try connection.rows("SELECT lower(name) FROM pragma_module_list").compactMap { $0[0].text })
    try #require(names.contains("fts5"))
    let refused: Set<String> = ["sqlite_stmt", "sqlite_dbpage", "bytecode", "tables_used", "dbdata", "dbptr"]
    let undecided = names.filter { !ModuleList.allows(module: $0) }.subtracting(refused)
    #expect(undecided.sorted() == [])
    #expect(names.filter { ModuleList(of: connection).refuses(table: $0) } == names.intersection(refused))
  }

  struct Application: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let function: String
    let flags: Int32
    let id: MigrationError.ID?
  }

  @Test(
    "of an application's functions those may be called that it marks",
    arguments: [
      Application(testDescription: "without a mark", function: "mine", flags: 0, id: .forbiddenStatement),
      Application(
        testDescription: "for direct use only", function: "mine", flags: SQLITE_DIRECTONLY,
        id: .forbiddenStatement),
      Application(testDescription: "deterministic", function: "mine", flags: SQLITE_DETERMINISTIC, id: nil),
      Application(testDescription: "innocuous", function: "Mine", flags: SQLITE_INNOCUOUS, id: nil),
      Application(
        testDescription: "in the place of one of SQLite's, without a mark", function: "lower", flags: 0,
        id: .forbiddenStatement),
      Application(
        testDescription: "named like one that reads files", function: "readfile", flags: SQLITE_INNOCUOUS,
        id: .forbiddenStatement),
    ])
  func application(_ row: Application) throws {
    let database = try TemporaryDatabase("CREATE TABLE t (a); INSERT INTO t VALUES ('x')")
    let connection = try database.connect()
    let code = unsafe sqlite3_create_function_v2(
      connection.handle, row.function, 1, SQLITE_UTF8 | row.flags, nil,
      { context, _, _ in unsafe sqlite3_result_int(context, 7) }, nil, nil, nil)
    #expect(code == SQLITE_OK)
    let lent = unsafe Connection(borrowing: connection.handle)
    try lent.execute("BEGIN")
    let script = try #require(Script("UPDATE t SET a = \(row.function)(a)"))
    let error = migrationError { try GuardedScript(script, on: lent).run() }
    #expect(error?.id == row.id, "\(error as Any)")
    #expect(try connection.value("SELECT a FROM t") == (row.id == nil ? .integer(7) : .text("x")))
    if row.id != nil {
      #expect(error?.message.contains("the function \(row.function.lowercased())") == true, "\(error as Any)")
      #expect(error?.help.isEmpty == false)
    }
  }
}
