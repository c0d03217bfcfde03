@testable import PhaseDB

/// Something that reads text which anybody may have written, and how to tell that it has read it well.
struct ByteReader: Sendable {
  let name: String
  /// Texts that it takes, to be damaged.
  let seeds: [String]
  /// Words of its language.
  let words: [String]
  /// Reads a text.
  ///
  /// - Returns: what is wrong, nil when the text was read, or refused in the way it must be.
  let trouble: @Sendable (String) -> String?

  /// Everything but the command line, which is of another module.
  static let ofLibrary = [phaseFile, versionRange, version, settings, applicationScript, duration, phaseID]

  static let phaseFile = ByteReader(
    name: "phase file",
    seeds: [
      "-- Add notes.\n-- @window shop >=1.0 <2.0\n-- @residual none\n-- @up\nCREATE TABLE t (a);\n-- @down\nDROP TABLE t;\n",
      "-- @window shop >=1.0\n-- @batch t by id\n-- @up\nUPDATE t SET a = 1 WHERE id BETWEEN :first AND :last;\n-- @down\nUPDATE t SET a = 0 WHERE id BETWEEN :first AND :last;\n-- @verify all of it\nSELECT id FROM t WHERE a = 0;\n",
      "-- @window shop >=1.0\n-- @window \"two words\" <3\n-- @soak 7d\n-- @loses t.a: nobody reads it\n-- @up\nCREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN ';' END; END;\n-- @down\nDROP TRIGGER x;\n",
      "-- @window shop >=1.0\n-- @watch 30m every 30s settle 1m then reverse\n-- @up\nSELECT 1;\n-- @down\nSELECT 2;\n-- @probe every order has a name  fails after 2\nSELECT id FROM t WHERE a IS NULL AND b > :since;\n-- @red\nUPDATE t SET a = NULL;\n-- @probe orders  at least 50% of before, floor 20 missing fails\nSELECT count(*) FROM t;\n-- @probe checkout  at most 800 fails 3 of 5\n-- @probe \"lag\"  between 0 and 2.5 control\n",
      "-- @window shop >=1.4\n-- @needs 0001-create/expand\n-- @retire t.a\n-- @budget up 2s down 5s hold 50ms\n-- @allow unbounded-write until shop 2.0: small\n",
    ],
    words: [
      "-- @up\n", "-- @down\n", "-- @window shop >=1\n", "-- @verify ", "-- @batch ", "-- @retire ",
      "-- @allow ",
      "-- @budget ", "-- @needs ", "-- @soak ", "-- @residual ", "-- @loses ",
      "-- @watch ", "-- @probe ", "-- @red\n", "30m every 30s", " at most ", " at least ", " between ",
      " and ",
      "% of before", ", floor ", " fails after ", " fails ", " of ", " missing passes", " control",
      " settle ",
      " then hold", ":since", "  ", "1e20", "5", "/*", "*/", "'", "\"", "[",
      "]", "`",
      ";", "BEGIN", "END", "CASE", "CREATE TRIGGER t ", "SELECT 1;", "x'0", "\r\n", "\n", "\u{FEFF}", "--",
      "@up", ":first",
      "\u{200D}é𝄞", "\t", "$a::b(", "1e", "0x", "((((((((", "))))))))",
    ]
  ) { text in
    let file = "expand.sql"
    do throws(MigrationError) {
      for kind in [Phase.Kind.expand, .migrate, .contract] {
        guard let phase = try accept(text, file, kind) else { continue }
        let again = try PhaseFile.read(PhaseFile.render(phase), file: file, kind: kind)
        if again.tokenHash != phase.tokenHash { return "another phase when it is written and read again" }
      }
      return nil
    } catch {
      return misplaced(error, in: text, file)
    }
  }

  /// Nil when a kind does not take the text, as long as the error has its place.
  private static func accept(_ text: String, _ file: String, _ kind: Phase.Kind) throws(MigrationError)
    -> Phase?
  {
    do throws(MigrationError) {
      return try PhaseFile.read(text, file: file, kind: kind)
    } catch {
      guard misplaced(error, in: text, file) == nil else { throw error }
      return nil
    }
  }

  static let applicationScript = ByteReader(
    name: "application script",
    seeds: [
      "-- @query customer by id\n-- @with id = 7\nSELECT id, full_name FROM customers WHERE id = :id;\n",
      "-- @query rename\n-- @with id = 7, name = 'Ann; B''C'\nUPDATE customers SET full_name = :name WHERE id = :id;\n",
    ],
    words: [
      "-- @query ", "-- @with ", "-- @expect ", "-- @as ", "=", ",", "'", "x'", "zeroblob(", "NULL", ":id",
      "?1", "@a", "$b",
      ";", "\n", "/*", "--", "1e999", "max(1, 2)", "(", ")", "\r\n", "é",
    ]
  ) { text in
    let file = "apps/shop/1.4.sql"
    do throws(MigrationError) {
      _ = try ApplicationFile.read(text, file: file, application: "shop", version: try Version("1.4"))
      return nil
    } catch {
      return misplaced(error, in: text, file)
    }
  }

  static let versionRange = ByteReader(
    name: "version range", seeds: [">=1.0 <2.0", "=1.2.3-rc.1", ">1 <=99999999999999999999"],
    words: [
      ">=", "<=", "<", ">", "=", " ", "1", ".", "-", "rc", "+build", "0", "999999999999999999999", "v",
      "\u{661}",
    ]
  ) { text in
    do throws(MigrationError) {
      let range = try VersionRange(text)
      return try VersionRange("\(range)") == range ? nil : "another range when it is written and read again"
    } catch {
      return error.help.isEmpty && error.message.isEmpty ? "no word of what is wrong" : nil
    }
  }

  static let version = ByteReader(
    name: "version", seeds: ["1.4.0", "2.0-rc.1", "20260131.1"],
    words: ["1", ".", "-", "rc", "+", "0", "00", "99999999999999999999", " ", "é"]
  ) { text in
    do throws(MigrationError) {
      let version = try Version(text)
      let again = try Version("\(version)")
      return version < version || again != version ? "not the same as itself" : nil
    } catch {
      return error.message.isEmpty ? "no word of what is wrong" : nil
    }
  }

  static let settings = ByteReader(
    name: "settings",
    seeds: [
      "// All.\n{ database: '../shop.db', migrations: \".\", wait: '30s', forget: '10m', sqlite: '3.35', }\n",
      "{}",
      "{ probes: { checkout: { command: ['bin/probe', '--fast'], timeout: '5s', number: true }, \"lag\": { command: ['lag'] } }, onWatch: [\"sh\", '-c', 'cat'], freezeFile: 'freeze' }",
    ],
    words: [
      "probes", "onWatch", "freezeFile", "command", "timeout", "number", "true", "['a']",
      "{ command: ['a'] }",
      "{", "}", "[", "]", ",", ":", "'", "\"", "database", "wait", "\"\\u0000\"", "\\", "//", "/*", "*/",
      "1e999", "null",
      "NaN", "[[[[[[[[[[[[", "\n", "é",
    ]
  ) { text in
    do throws(MigrationError) {
      _ = try Settings.read(path: try SettingsBench.file(holding: text))
      return nil
    } catch {
      let isNamed =
        error.message.contains(SettingsBench.name) || error.place?.file.contains(SettingsBench.name) == true
      return error.help.isEmpty || !isNamed
        ? "neither file nor remedy: \(error)" : nil
    }
  }

  static let duration = ByteReader(
    name: "duration", seeds: ["30s", "1.5h", "250ms"],
    words: ["1", "0", ".", "s", "ms", "m", "h", "d", "-", "99999999999999999999", "e9", " "]
  ) { text in
    _ = DurationText.parse(text)
    return nil
  }

  static let phaseID = ByteReader(
    name: "phase id", seeds: ["0002-split-name/expand", "0001-a/contract"],
    words: ["/", "-", "0", "99999999999999999999", "expand", "migrate", "..", "\\", "é", " "]
  ) { text in
    guard let id = try? PhaseID(text) else { return nil }
    return (try? PhaseID(id.description)) == id ? nil : "another id when it is written and read again"
  }

  /// What an error lacks that is about a file.
  private static func misplaced(_ error: MigrationError, in text: String, _ file: String) -> String? {
    guard let place = error.place else { return "no place: \(error)" }
    let lines = text.utf8.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    guard place.file == file, (1...lines).contains(place.line), place.column >= 1 else {
      return "a place that is not in the text: \(error)"
    }
    return error.message.isEmpty ? "no message" : nil
  }
}
