import Foundation
import PhaseSQLite
import Testing

@testable import PhaseDB

/// Rules about the sources themselves, which no compiler checks.
struct HouseTests {
  /// Arrows point left only: a folder may use those before it.
  static let layers = [
    "Model", "Reading", "Schema", "Digest", "Guard", "Reversal", "Rules", "Recipes", "Ledger", "Archive",
    "Engine", "Snapshot", "Rehearsal", "Migrator",
  ]

  /// The same of targets.
  static let targets = ["PhaseSQL", "PhaseSQLite", "PhaseDB", "PhaseAudit", "PhaseCompat", "PhaseDBCommand"]
  /// Those that are taken into other people's applications.
  static let library = targets.dropLast()

  @Test("a target imports those before it, and no other")
  func targets() throws {
    for (index, target) in Self.targets.enumerated() {
      for file in try SourceFile.all(under: target) {
        let imported = file.code.split(separator: "\n").filter { $0.contains("import Phase") }
          .compactMap { $0.split(separator: " ").last.map(String.init) }
        #expect(Set(imported).subtracting(Self.targets[..<index]) == [], "\(file.path)")
      }
    }
  }

  @Test("no file names a type of a folder to its right")
  func layering() throws {
    let files = try SourceFile.all(under: "PhaseDB")
    var layer: [String: Int] = [:]
    for file in files {
      guard let index = file.layer else { continue }
      for type in file.declaredTypes { layer[type] = min(layer[type, default: index], index) }
    }
    #expect(
      ["Phase": "Model", "Ledger": "Ledger", "Engine": "Engine"].allSatisfy { type, folder in
        layer[type] == Self.layers.firstIndex(of: folder)
      }, "the scan finds declarations")
    for file in files {
      guard let index = file.layer else { continue }
      let wrong = file.words.intersection(layer.filter { $0.value > index }.keys).sorted()
      #expect(wrong == [], "\(file.path) in \(Self.layers[index])")
    }
    let folders = Set(files.compactMap { $0.path.split(separator: "/").dropFirst().dropLast().first })
    #expect(folders.subtracting(Self.layers.map { $0[...] }) == [], "every folder has its place")
  }

  @Test("no file uses a member that an extension in a folder to its right declares")
  func extensions() throws {
    let files = try SourceFile.all(under: "PhaseDB")
    let elsewhere = try Self.targets.filter { $0 != "PhaseDB" }.flatMap(SourceFile.all(under:))
    // A name that is declared somewhere else too may mean that.
    let ambiguous = elsewhere.reduce(into: Set<String>()) { $0.formUnion($1.declaredMembers) }
    var layer: [String: Int] = [:]
    for file in files {
      for member in file.declaredMembers {
        layer[member] = min(layer[member, default: .max], file.layer ?? 0)
      }
    }
    var inExtensions = files.reduce(into: Set<String>()) { $0.formUnion($1.membersOfExtensions) }
    inExtensions.subtract(ambiguous)
    #expect(inExtensions.contains("breakingRows"), "the scan finds extensions")
    for file in files {
      guard let index = file.layer else { continue }
      let wrong = file.usedMembers.intersection(inExtensions).filter { layer[$0, default: 0] > index }
        .sorted()
      #expect(wrong == [], "\(file.path) in \(Self.layers[index])")
    }
  }

  @Test("the first page of the documentation lists every public type of its own, and no other")
  func publicTypes() throws {
    let published = { (target: String) throws in
      Set(try SourceFile.all(under: target).flatMap(\.declaredPublicTypes))
    }
    let page = try String(contentsOf: Document.folder.appending(path: "PhaseDB.md"), encoding: .utf8)
    // The title is the name of the module.
    let listed = Set(page.matches(of: /``(\w+)``/).map { String($0.output.1) }).subtracting(["PhaseDB"])
    #expect(listed == (try published("PhaseDB")))
    #expect(try published("PhaseCompat").filter { !page.contains("`\($0)`") } == [])
  }

  @Test("a type stands in two files at most, its extensions among them")
  func noun() throws {
    let files = try Self.targets.flatMap(SourceFile.all(under:))
    var declared: [String: Int] = [:]
    for file in files { for type in Set(file.declaredTypes) { declared[type, default: 0] += 1 } }
    var places: [String: Set<String>] = [:]
    for file in files {
      // A name that two files declare is that of two types.
      for type in file.declaredTypes + file.extendedTypes where declared[type] == 1 {
        places[type, default: []].insert(file.path)
      }
    }
    #expect(places["Connection"]?.count == 2, "the scan finds extensions")
    #expect(places.filter { $0.value.count > 2 }.mapValues { $0.sorted() } == [:])
  }

  @Test("only the command line prints")
  func printing() throws {
    for file in try Self.library.flatMap(SourceFile.all(under:)) {
      let printing = ["print(", "debugPrint(", "dump(", "NSLog(", "fputs("].filter { file.calls($0) }
      #expect(printing == [], "\(file.path)")
    }
  }

  @Test(
    "text is printed as it is only where another form has its own rules, or its parts were escaped before")
  func unescapedText() throws {
    // Lines of prose and literals; words of the tables of verbs; documents; excerpts and wrapped lines.
    let places = [
      "PhaseDB/Model/Prose.swift": 3, "PhaseDBCommand/Commands/ExplainCommand.swift": 2,
      "PhaseDBCommand/Arguments/Help.swift": 1,
      "PhaseDBCommand/Commands/AboutCommands.swift": 1, "PhaseDBCommand/Commands/CompatCommand.swift": 1,
      "PhaseDBCommand/Commands/EffectsCommand.swift": 1,
      "PhaseDBCommand/Terminal/Escaped.swift": 1, "PhaseDBCommand/Terminal/JSONText.swift": 2,
      "PhaseDBCommand/Terminal/Excerpt.swift": 1, "PhaseDBCommand/Terminal/TextTable.swift": 1,
      "PhaseDBCommand/Terminal/Wrapped.swift": 2,
    ]
    let files = try Self.targets.flatMap(SourceFile.all(under:))
    let counts = files.map { file in
      (file.path, file.code.split(separator: "unescaped:", omittingEmptySubsequences: false).count - 1)
    }
    #expect(Dictionary(uniqueKeysWithValues: counts.filter { $0.1 > 0 }) == places)
  }

  @Test(
    "unsafe code is in PhaseSQLite, in the files that wrap descriptors, signals and processes, where a handle is borrowed, and where bytes are compared"
  )
  func unsafeCode() throws {
    let exceptions = [
      "PhaseDBCommand/Terminal/FileDescriptor.swift": Int.max,
      "PhaseDBCommand/Terminal/StopSignals.swift": Int.max,
      "PhaseDBCommand/Terminal/OpenWatch.swift": Int.max,
      "PhaseDBCommand/Terminal/ChildProgram.swift": Int.max,
      "PhaseDBCommand/Terminal/ChildKeeper.swift": Int.max,
      "PhaseDBCommand/Commands/LogFolder.swift": Int.max, "PhaseCompat/QueryRecorder.swift": 2,
      "PhaseDB/Migrator/Migrator.swift": 2, "PhaseDB/Migrator/PlanRun.swift": 2,
      "PhaseDB/Migrator/RunEvents.swift": 2,
      "PhaseSQL/Names.swift": Int.max,
    ]
    for file in try Self.targets.filter({ $0 != "PhaseSQLite" }).flatMap(SourceFile.all(under:)) {
      let count = file.tokens.count {
        ["unsafe", "@unsafe", "@safe", "UnsafePointer", "Unmanaged"].contains($0)
      }
      #expect(count <= exceptions[file.path, default: 0], "\(file.path)")
    }
  }

  @Test("what reads SQL as text knows no database")
  func text() throws {
    let wrong = try SourceFile.all(under: "PhaseSQL").filter {
      $0.words.contains { word in
        word.hasPrefix("sqlite3_") || ["PhaseSQLite", "CSQLite", "Foundation"].contains(word)
      }
    }
    #expect(wrong.map(\.path) == [])
  }

  @Test(
    "nothing a user can cause ends the process",
    arguments: ["fatalError", "preconditionFailure", "try!", "as!"])
  func traps(_ trap: String) throws {
    for target in Self.targets {
      for file in try SourceFile.all(under: target) { #expect(!file.code.contains(trap), "\(file.path)") }
    }
  }

  @Test("every error that is documented can happen", arguments: MigrationError.ID.allCases)
  func errors(_ id: MigrationError.ID) throws {
    let files = try Self.targets.flatMap(SourceFile.all(under:))
    #expect(files.contains { !$0.path.hasSuffix("/ErrorID.swift") && $0.code.contains(".\(id)") })
  }

  @Test(
    "the scan sees code and nothing else",
    arguments: [
      ("a // b\nc", "a  \nc"), ("a /* b /* c */ d */ e", "a   e"), ("\"a\\\"b\" c", "   c"),
      ("\"\"\"\na \"b\" c\n\"\"\" d", "   d"),
      ("#\"a\"b\"# c", "   c"), ("\"a \\(b(\"c\")) d\" e", "  b(  )   e"),
    ])
  func scan(_ text: String, _ code: String) {
    #expect(SourceFile.code(of: text) == code)
  }
}

/// A Swift file and the words in it, comments and strings left aside.
private struct SourceFile {
  /// From the folder `Sources` on.
  let path: String
  let code: String

  static func all(under target: String) throws -> [SourceFile] {
    let files = everything.filter { $0.path.hasPrefix(target + "/") }
    try #require(!files.isEmpty)
    return files
  }

  private static let everything: [SourceFile] = {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources")
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: sources.path)) ?? []
    return names.sorted().filter { $0.hasSuffix(".swift") }.compactMap { name in
      let text = try? String(contentsOf: sources.appendingPathComponent(name), encoding: .utf8)
      return text.map { SourceFile(path: name, code: code(of: $0)) }
    }
  }()

  var layer: Int? {
    path.split(separator: "/").dropFirst().first.flatMap { HouseTests.layers.firstIndex(of: String($0)) }
  }

  var tokens: [String] {
    code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }.map(String.init)
  }

  var words: Set<String> { Set(tokens) }

  /// Types declared at the file's outermost level: those inside another are reached by its name.
  var declaredTypes: [String] {
    code.split(separator: "\n").filter { $0.first?.isWhitespace == false }.compactMap { line in
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      let keywords = ["struct", "class", "enum", "protocol", "actor", "typealias"]
      guard let index = words.firstIndex(where: { keywords.contains(String($0)) }), index + 1 < words.count,
        !words.contains("private"), !words.contains("fileprivate")
      else { return nil }
      return String(words[index + 1])
    }
  }

  /// Those that other packages see.
  var declaredPublicTypes: [String] {
    code.split(separator: "\n").filter { $0.hasPrefix("public ") }.compactMap { line in
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
      guard
        let index = words.firstIndex(where: { ["struct", "class", "enum", "protocol", "actor"].contains($0) })
      else { return nil }
      return words[index + 1]
    }
  }

  /// Types that the file extends, each by its outermost name. An extension of an array of them is none of theirs.
  var extendedTypes: [String] {
    code.split(separator: "\n").filter { $0.first?.isWhitespace == false }.compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "extension"), index + 1 < words.count else { return nil }
      let name = words[index + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      return name.isEmpty ? nil : String(name)
    }
  }

  /// Functions, properties and cases.
  var declaredMembers: Set<String> {
    var members: Set<String> = []
    for (before, name) in zip(tokens, tokens.dropFirst())
    where ["func", "var", "let", "case"].contains(before) { members.insert(name) }
    return members
  }

  /// What stands after a dot.
  var usedMembers: Set<String> {
    Set(
      code.split(separator: ".").dropFirst().map {
        String($0.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
      })
  }

  /// Functions and properties of the extensions at the file's outermost level.
  var membersOfExtensions: Set<String> {
    var members: Set<String> = []
    var isInside = false
    for line in code.split(separator: "\n") {
      if line.first?.isWhitespace == false { isInside = line.split(separator: " ").contains("extension") }
      guard isInside, line.hasPrefix("  "), line.dropFirst(2).first != " ", !line.contains("private ") else {
        continue
      }
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      guard let index = words.firstIndex(where: { ["func", "var", "let"].contains($0) }),
        index + 1 < words.count
      else { continue }
      members.insert(String(words[index + 1]))
    }
    return members
  }

  /// Whether a free function is called: not a method of that name, nor the declaration of one.
  func calls(_ call: String) -> Bool {
    var rest = code[...]
    while let range = rest.range(of: call) {
      let before = code[..<range.lowerBound]
      if before.last.map({ !$0.isLetter && !$0.isNumber && $0 != "." && $0 != "_" }) ?? true,
        !before.hasSuffix("func ")
      {
        return true
      }
      rest = rest[range.upperBound...]
    }
    return false
  }

  /// The text with a space for every comment and for every piece of a string; what is interpolated is code.
  static func code(of text: String) -> String {
    var scanner = Scanner(rest: text[...])
    scanner.scan(until: nil)
    return scanner.code
  }

  private struct Scanner {
    var rest: Substring
    var code = ""

    /// - Parameter close: the parenthesis that ends an interpolation, nil for the whole text.
    mutating func scan(until close: Character?) {
      var depth = 0
      while let first = rest.first {
        if rest.hasPrefix("//") {
          rest = rest.drop { $0 != "\n" }
          code += " "
        } else if rest.hasPrefix("/*") {
          skipBlockComment()
        } else if first == "\"" || first == "#" && rest.drop(while: { $0 == "#" }).first == "\"" {
          skipString()
        } else {
          if first == "(" { depth += 1 }
          if first == ")" {
            if depth == 0, close != nil { return }
            depth -= 1
          }
          code.append(rest.removeFirst())
        }
      }
    }

    private mutating func skipBlockComment() {
      var depth = 0
      repeat {
        if rest.hasPrefix("/*") { depth += 1 }
        if rest.hasPrefix("*/") { depth -= 1 }
        rest = rest.dropFirst(rest.hasPrefix("/*") || rest.hasPrefix("*/") ? 2 : 1)
      } while depth > 0 && !rest.isEmpty
      code += " "
    }

    private mutating func skipString() {
      let hashes = String(rest.prefix { $0 == "#" })
      rest = rest.dropFirst(hashes.count)
      let quote = rest.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
      rest = rest.dropFirst(quote.count)
      code += " "
      while !rest.isEmpty, !rest.hasPrefix(quote + hashes) {
        if rest.hasPrefix("\\" + hashes + "(") {
          rest = rest.dropFirst(hashes.count + 2)
          code += " "
          scan(until: ")")
          code += " "
          rest = rest.dropFirst()
        } else {
          rest = rest.dropFirst(rest.hasPrefix("\\" + hashes) ? hashes.count + 2 : 1)
        }
      }
      rest = rest.dropFirst(quote.count + hashes.count)
      code += " "
    }
  }
}
