internal import PhaseDB
internal import PhaseSQL

/// Flyway: `V1__name.sql`, in folders below too; `U1__name.sql` is its way back, `R__name.sql` is applied again whenever it
/// changes, `B1__name.sql` replaces what is before it in a new database (github.com/flyway/flyway,
/// core/internal/resource/ResourceNameParser.java).
struct FlywayReader: FolderReader {
  static let depth = 16
  let files: FolderFiles

  /// What stands in a file's name.
  struct Name {
    enum Kind: String { case versioned = "V", undo = "U", repeatable = "R", baseline = "B" }

    let kind: Kind
    /// With dots: `1_2` is 1.2.
    let version: String
    let description: String

    /// - Parameter file: the name without its suffix.
    init?(_ file: String) {
      guard let kind = file.first.flatMap({ Kind(rawValue: String($0)) }) else { return nil }
      let rest = String(file.dropFirst())
      let (before, after) = rest.cut(at: "__") ?? (rest, "")
      let parts = before.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "_" }
      guard kind == .repeatable ? before.isEmpty && !after.isEmpty : parts.allSatisfy(\.isDigits) else {
        return nil
      }
      self.kind = kind
      version = parts.joined(separator: ".")
      description = after.split(separator: "_", omittingEmptySubsequences: false).joined(separator: " ")
    }
  }

  private struct Found {
    let name: Name
    let file: String
  }

  func folder() -> ToolFolder {
    var remarks = files.remarks
    var found: [Found] = []
    for file in files.files where file.lowercased().hasSuffix(".sql") {
      let own = file.split(separator: "/").last.map(String.init) ?? file
      if let name = Name(String(own.dropLast(4))) {
        found.append(Found(name: name, file: file))
      } else {
        remarks.append(
          ToolFolder.Remark(
            "\(files.path(of: file)) is no migration by its name: Flyway runs it, if at all, around others"))
      }
    }
    let versioned = found.filter { $0.name.kind == .versioned }
      .sorted { Self.precedes($0.name.version, $1.name.version) }
    let repeatable = found.filter { $0.name.kind == .repeatable }
      .sorted { $0.name.description.precedes($1.name.description) }
    for late in found where late.name.kind == .baseline {
      remarks.append(
        ToolFolder.Remark(
          "\(files.path(of: late.file)) was left out: in a new database Flyway runs it instead of what is before it"
        ))
    }
    let undos = Dictionary(
      found.filter { $0.name.kind == .undo }.map { (Self.numbers($0.name.version), $0.file) },
      uniquingKeysWith: { first, _ in first })
    var migrations = versioned.map { migration($0, undo: undos[Self.numbers($0.name.version)]) }
    remarks += ToolFolder.Remark.repeated(migrations, "Flyway refuses the folder", in: files)
    migrations += repeatable.map { migration($0, undo: nil) }
    return ToolFolder(tool: .flyway, path: files.root, migrations: migrations, remarks: remarks)
  }

  /// By the numbers between the dots; 1 and 1.0 are the same.
  static func precedes(_ left: String, _ right: String) -> Bool {
    var (left, right) = (numbers(left), numbers(right))
    let count = max(left.count, right.count)
    left += Array(repeating: "", count: count - left.count)
    right += Array(repeating: "", count: count - right.count)
    for (one, other) in zip(left, right) where one != other {
      return one.utf8.count == other.utf8.count ? one.precedes(other) : one.utf8.count < other.utf8.count
    }
    return false
  }

  /// The numbers of a version without leading zeros. So a longer one is greater, however many digits there are.
  private static func numbers(_ version: String) -> [String] {
    var numbers = version.split(separator: ".").map { String($0.drop { $0 == "0" }) }
    while numbers.last?.isEmpty == true { numbers.removeLast() }
    return numbers
  }

  private func migration(_ found: Found, undo: String?) -> ToolMigration {
    let up = script(found.file)
    let down: (script: ToolScript?, obstacle: Prose?) =
      undo.map { file in
        let read = script(file)
        return (read.script, read.obstacle)
      } ?? (nil, nil)
    let isRepeatable = found.name.kind == .repeatable
    return ToolMigration(
      version: isRepeatable ? found.name.description : found.name.version, name: found.name.description,
      files: [found.file] + [undo].compactMap(\.self), up: up.script, down: down.script,
      obstacle: up.obstacle ?? down.obstacle, checksum: up.checksum, isRepeatable: isRepeatable)
  }

  /// The file and what `.sql.conf` beside it says (core/internal/sqlscript/SqlScriptMetadata.java).
  private func script(_ name: String) -> (script: ToolScript?, obstacle: Prose?, checksum: String?) {
    let (file, unread) = files.file(name)
    guard let file else { return (nil, unread, nil) }
    var settings: [String: String] = [:]
    if files.has(name + ".conf"), let conf = files.file(name + ".conf").file {
      for line in Bytes.lines(of: conf.bytes) {
        guard let (key, value) = line.text.cut(at: "="), key.trimmed.first != "#" else { continue }
        settings[key.trimmed] = value.trimmed
      }
    }
    let checksum = String(CRC32.ofLines(file.original))
    if let condition = settings["shouldExecute"], condition != "true" {
      return (nil, "whether it runs depends on shouldExecute: \(condition)", checksum)
    }
    let (replaced, missing) =
      settings["placeholderReplacement"] == "false" ? (file, nil) : replacingPlaceholders(in: file)
    if let missing {
      return (nil, "the placeholder \(missing) has no value: use --set \(missing)=VALUE", checksum)
    }
    let script = ToolScript(replaced, wrapping: .transaction)
    let isWrapped =
      settings["executeInTransaction"].map { $0 != "false" } ?? !hasForeignKeysPragma(script)
    return (
      isWrapped && !files.options.noTransaction ? script : ToolScript(replaced, wrapping: .none), nil,
      checksum
    )
  }

  /// Whether a statement begins with `PRAGMA foreign_keys`: Flyway runs such a script without a transaction
  /// (core/internal/database/sqlite/SQLiteParser.java).
  private func hasForeignKeysPragma(_ script: ToolScript) -> Bool {
    let bytes = Array(script.text.utf8)
    return script.statements.contains {
      SQLTokens.firstWords(2, of: bytes[$0]) == ["pragma", "foreign_keys"]
    }
  }

  /// Every `${name}`, in comments and strings too. Upper and lower case are the same.
  ///
  /// - Returns: the first one that has no value, if there is one.
  private func replacingPlaceholders(in file: ToolFile) -> (file: ToolFile, missing: String?) {
    let values = Dictionary(
      files.options.set.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    var text = ""
    var rest = file.text
    while let (before, after) = rest.cut(at: "${") {
      guard let (name, next) = after.cut(at: "}") else { break }
      guard let value = values[name.lowercased()] else { return (file, name) }
      text += before + value
      rest = next
    }
    return (ToolFile(file, text + rest), nil)
  }
}
