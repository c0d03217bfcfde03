import Foundation
import PhaseDB
import Testing

@Suite struct CatalogFolderTests {
  static let phase = "-- @window app >=1\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;\n"

  @Test func readsMigrationsInTheOrderOfTheirNumbers() throws {
    let folder = try TemporaryFolder([
      "10-later/expand.sql": Self.phase, "9-earlier/contract.sql": Self.phase,
      "9-earlier/expand.sql": Self.phase,
      "9-earlier/notes.md": "", "9-earlier/.keep": "", "phasedb.json": "{}", "apps/shop/1.0.sql": "nonsense",
      "README": "", "LICENSE": "", "guide.md": "", ".hidden": "", "baseline.sql": "CREATE TABLE old(a);",
    ])
    let catalog = try folder.catalog()
    #expect(
      catalog.phases.map { $0.id.description } == [
        "9-earlier/expand", "9-earlier/contract", "10-later/expand",
      ])
    #expect(catalog.baseline?.text == "CREATE TABLE old(a);")
    #expect(catalog.origin == folder.path)
    #expect(
      catalog.phases.first?.phase.up.place(at: 0).description == "\(folder.path)/9-earlier/expand.sql:3:1")
  }

  @Test func aSlashAtTheEndOfThePathChangesNoPlace() throws {
    let folder = try TemporaryFolder(["1-a/expand.sql": Self.phase])
    let catalog = try Catalog(folder: folder.path + "/")
    #expect(catalog.migrations.first?.phases.first?.up.file == "\(folder.path)/1-a/expand.sql")
  }

  @Test func anEmptyFolderHasNoMigrations() throws {
    let catalog = try TemporaryFolder([:]).catalog()
    #expect(catalog.migrations.isEmpty)
    #expect(catalog.baseline == nil)
  }

  @Test func aLargeFolderIsReadInOrderAndItsFirstErrorIsTheOneReported() throws {
    var files: [String: String] = [:]
    for number in 1...200 { files["\(number)-m/expand.sql"] = Self.phase }
    #expect(
      try TemporaryFolder(files).catalog().migrations.map(\.name.number)
        == (1...200).map(UInt64.init))
    files["20-m/expand.sql"] = "-- @down\n"
    files["180-m/expand.sql"] = "-- @dwon\n"
    let folder = try TemporaryFolder(files)
    let error = #expect(throws: MigrationError.self) { try folder.catalog() }
    #expect(error?.id == .missingUp)
    #expect(error?.place?.file == "\(folder.path)/20-m/expand.sql")
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let files: [String: [UInt8]]
    let golden: String

    init(_ testDescription: String, _ files: [String: String], _ golden: String) {
      self.init(testDescription, bytes: files.mapValues { Array($0.utf8) }, golden)
    }

    init(_ testDescription: String, bytes: [String: [UInt8]], _ golden: String) {
      self.testDescription = testDescription
      self.files = bytes
      self.golden = golden
    }
  }

  static let cases = [
    Case(
      "two folders with one number", ["2-a/expand.sql": phase, "0002-b/expand.sql": phase],
      """
      two folders have the number 2: DIR/0002-b and DIR/2-a [duplicate-number]
      help: give the newer one the next free number
      """),
    Case(
      "a folder without phases", ["1-a/notes.md": ""],
      """
      DIR/1-a has no phase [empty-migration]
      help: add expand.sql, migrate.sql or contract.sql, or remove the folder
      """),
    Case(
      "a stray file", ["notes.txt": ""],
      """
      the file DIR/notes.txt does not belong among migrations [stray-file]
      help: move it out of DIR, or put a dot before its name
      """),
    Case(
      "a misspelt settings file", ["phasedb.jsn": ""],
      """
      the file DIR/phasedb.jsn does not belong among migrations [stray-file]
      help: did you mean phasedb.json?
      help: move it out of DIR, or put a dot before its name
      """),
    Case(
      "a phase outside a migration", ["expand.sql": phase],
      """
      the file DIR/expand.sql does not belong among migrations [stray-file]
      help: move it into the folder of a migration, for example DIR/0001-create-shop/expand.sql
      help: move it out of DIR, or put a dot before its name
      """),
    Case(
      "a folder that is no migration", ["drafts/a.txt": ""],
      """
      the folder DIR/drafts does not belong among migrations [stray-file]
      help: move it out of DIR, or put a dot before its name
      """),
    Case(
      "a migration without a number", ["add-name/expand.sql": phase],
      """
      DIR/add-name: 'add-name' is not the name of a migration [invalid-name]
      help: use a number, a hyphen and a description, for example 0002-split-customer-name
      """),
    Case(
      "a migration without a description", ["0003/expand.sql": phase],
      """
      DIR/0003: '0003' is not the name of a migration [invalid-name]
      help: use a number, a hyphen and a description, for example 0002-split-customer-name
      """),
    Case(
      "a misspelt phase", ["1-a/expand.sql": phase, "1-a/contarct.sql": phase],
      """
      the file DIR/1-a/contarct.sql does not belong in a migration [stray-file]
      help: did you mean contract.sql?
      help: a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
      """),
    Case(
      "a phase with a suffix", ["1-a/expand.sql~": phase],
      """
      the file DIR/1-a/expand.sql~ does not belong in a migration [stray-file]
      help: did you mean expand.sql?
      help: a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
      """),
    Case(
      "a folder in a migration", ["1-a/expand.sql": phase, "1-a/old/expand.sql": phase],
      """
      the folder DIR/1-a/old does not belong in a migration [stray-file]
      help: a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
      """),
    Case(
      "a folder named like a phase", ["1-a/expand.sql/": ""],
      """
      the folder DIR/1-a/expand.sql does not belong in a migration [stray-file]
      help: a migration holds expand.sql, migrate.sql, contract.sql, *.md and hidden files
      """),
    Case(
      "a NUL byte", ["1-a/expand.sql": "-- @up\nSELECT ü\0;\n"],
      """
      DIR/1-a/expand.sql:2:9: a NUL byte at byte 16 of the file [invalid-text]
      | SELECT ü�;
      |         ^
      help: remove it; SQL in a file is text without NUL
      """),
    Case(
      "invalid UTF-8",
      bytes: ["1-a/expand.sql": Array("-- ü\nSELECT '".utf8) + [0xC3, 0x28] + Array("'\n".utf8)],
      """
      DIR/1-a/expand.sql:2:9: byte 14 of the file is not valid UTF-8 [invalid-text]
      | SELECT '�('
      |         ^
      help: save the file as UTF-8
      """),
    Case(
      "text cut inside a character", bytes: ["1-a/expand.sql": Array("SELECT '".utf8) + [0xE2, 0x82]],
      """
      DIR/1-a/expand.sql:1:9: byte 8 of the file is not valid UTF-8 [invalid-text]
      | SELECT '�
      |         ^
      help: save the file as UTF-8
      """),
    Case(
      "UTF-16", bytes: ["1-a/expand.sql": [0xFF, 0xFE, 0x2D, 0x00]],
      """
      DIR/1-a/expand.sql:1:1: byte 0 of the file is not valid UTF-8 [invalid-text]
      | ��-�
      | ^
      help: the file seems to be UTF-16: save it as UTF-8
      """),
    Case(
      "an error in a phase", ["1-a/expand.sql": "-- @wnidow app >=1\n"],
      """
      DIR/1-a/expand.sql:1:4: '@wnidow' is not a directive [unknown-directive]
      | -- @wnidow app >=1
      |    ^^^^^^^
      help: did you mean @window?
      """),
    Case(
      "NUL in the baseline", ["baseline.sql": "\0"],
      """
      DIR/baseline.sql:1:1: a NUL byte at byte 0 of the file [invalid-text]
      | �
      | ^
      help: remove it; SQL in a file is text without NUL
      """),
  ]

  @Test(arguments: cases) func refusesWithPlaceAndRemedy(_ row: Case) throws {
    let folder = try TemporaryFolder(bytes: row.files)
    let error = #expect(throws: MigrationError.self) { try folder.catalog() }
    #expect(error?.golden == folder.resolving(row.golden))
  }

  @Test func aMissingFolderIsNamed() throws {
    let folder = try TemporaryFolder(["file": ""])
    let missing = #expect(throws: MigrationError.self) { try Catalog(folder: "\(folder.path)/none") }
    #expect(missing?.id == .folderNotFound)
    #expect(missing?.message == "there is no folder \(folder.path)/none")
    let file = #expect(throws: MigrationError.self) { try Catalog(folder: "\(folder.path)/file") }
    #expect(file?.id == .folderUnreadable)
    #expect(file?.message == "\(folder.path)/file is not a folder")
  }

  @Test func aFileOf50MegabytesIsRefusedBeforeItIsRead() throws {
    let folder = try TemporaryFolder(["1-a/expand.sql": Self.phase])
    let file = "\(folder.path)/1-a/expand.sql"
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.truncate(atOffset: 50 << 20)
    try handle.close()
    let error = #expect(throws: MigrationError.self) { try folder.catalog() }
    #expect(
      error?.golden == """
        \(file) has 50 MB, the limit is 8 MB [file-too-large]
        help: a phase file holds SQL; load large data with the application or the sqlite3 shell
        """)
  }

  @Test func aLinkThatLeadsNowhereIsUnreadable() throws {
    let folder = try TemporaryFolder(["1-a/": ""])
    let file = "\(folder.path)/1-a/expand.sql"
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "nowhere")
    let error = #expect(throws: MigrationError.self) { try folder.catalog() }
    #expect(error?.id == .fileUnreadable)
    #expect(error?.message == "cannot read \(file): No such file or directory")
  }

  @Test func foldersAndFilesBehindLinksAreRead() throws {
    let real = try TemporaryFolder(["expand.sql": Self.phase])
    let folder = try TemporaryFolder(["2-b/": ""])
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/1-a", withDestinationPath: real.path)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/2-b/expand.sql", withDestinationPath: "\(real.path)/expand.sql")
    #expect(try folder.catalog().phases.count == 2)
  }
}
