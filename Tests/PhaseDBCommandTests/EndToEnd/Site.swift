import Foundation
import Testing

@testable import PhaseDBCommand

/// A temporary folder in which an operator works: migrations, a database, and the built `phasedb`.
final class Site {
  let folder: URL
  /// What would have to be undone before the folder can be removed.
  private var undoing: [() -> Void] = []

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "phasedb-site-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    for undo in undoing.reversed() { undo() }
    try? FileManager.default.removeItem(at: folder)
  }

  func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func whenDone(_ undo: @escaping () -> Void) { undoing.append(undo) }

  // MARK: Files

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
  }

  func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

  func write(_ bytes: Data, to name: String) throws {
    let url = folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: url)
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// Writes a phase file.
  ///
  /// - Parameters:
  ///   - id: migration and kind: `0001-create-shop/expand`.
  ///   - directives: lines beside the window, without their `-- `.
  func phase(
    _ id: String, up: String, down: String, window: String = "storefront >=1.0 <2.0",
    directives: [String] = []
  ) throws {
    let head = (["@window \(window)"] + directives).map { "-- \($0)\n" }.joined()
    try write("\(head)-- @up\n\(up)\n-- @down\n\(down)\n", to: "migrations/\(id).sql")
  }

  /// Writes a phase that makes a table with a row, and drops it.
  func table(_ name: String, in id: String) throws {
    try phase(
      id,
      up: "CREATE TABLE \(name) (id INTEGER PRIMARY KEY, text TEXT);\nINSERT INTO \(name) VALUES (1, 'one');",
      down: "DROP TABLE \(name);")
  }

  // MARK: Programs

  /// As little as an operator's shell has.
  static let environment = [
    "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "USER": "operator", "HOME": "/nonexistent",
  ]

  /// Starts the built `phasedb`.
  func start(
    _ arguments: [String], environment: [String: String] = [:], output: RunningProgram.Output = .captured
  ) throws -> RunningProgram {
    try RunningProgram(
      BuiltProgram.path(), arguments, in: path(""),
      environment: Self.environment.merging(environment) { $1 }, output: output)
  }

  /// Runs the built `phasedb` to its end.
  ///
  /// - Parameter line: its words, separated by spaces.
  @discardableResult
  func phasedb(
    _ line: String, environment: [String: String] = [:], output: RunningProgram.Output = .captured
  ) throws -> Outcome {
    try start(line.split(separator: " ").map(String.init), environment: environment, output: output).outcome()
  }

  /// Runs some other program to its end.
  func run(_ program: String, _ arguments: String...) throws -> Outcome {
    try RunningProgram(
      "/usr/bin/env", [program] + arguments, in: path(""), environment: Self.environment
    ).outcome()
  }

  /// Runs SQL in the `sqlite3` shell, which must succeed.
  ///
  /// - Returns: rows as SQL literals, one line each.
  @discardableResult
  func sqlite(_ sql: String, on database: String = "shop.db") throws -> String {
    let outcome = try run("sqlite3", "-batch", "-bail", "-quote", database, sql)
    try #require(outcome.code == 0, "sqlite3: \(outcome.errors)")
    return outcome.output
  }
}

/// The `phasedb` that was built with these tests.
enum BuiltProgram {
  /// It stands beside the test bundle, wherever the build put that.
  static func path() throws -> String {
    let bundles = Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }.map(\.bundleURL)
    let test = URL(filePath: CommandLine.arguments[0])
    return try #require(
      (bundles + [test, Bundle.main.bundleURL, Bundle.main.bundleURL.appending(path: "x")])
        .map { $0.deletingLastPathComponent().appending(path: "phasedb").path(percentEncoded: false) }
        .first(where: FileManager.default.isExecutableFile),
      "there is no built phasedb beside the tests")
  }
}

extension Site {
  /// Runs `phasedb`, which must end with a code.
  @discardableResult
  func expect(
    _ code: Int32, _ line: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try phasedb(line)
    #expect(outcome.code == code, "\(line): \(outcome.summary)", sourceLocation: sourceLocation)
    return outcome
  }
}
