internal import PhaseSQLite

/// Where the SQL of a folder counts columns, by table. Made once, so that each phase asks only of the tables it changes.
struct PositionalIndex {
  struct Entry {
    let use: PositionalUse
    let script: Script
    let source: Source

    var place: Place { script.place(at: use.range.lowerBound, length: use.range.count) }
  }

  enum Source {
    /// A version of an application; without both when the file's name does not say which.
    case application(name: String?, version: Version?)
    case phase(PhaseID, Direction, needs: [String])
  }

  private var entries: [String: [Entry]] = [:]

  init(_ catalog: Catalog, corpus: [Script]) {
    for script in corpus {
      let (name, version) = PositionalIndex.application(of: script.file)
      add(script, .application(name: name, version: version))
    }
    for (id, phase) in catalog.phases {
      add(phase.up, .phase(id, .up, needs: phase.needs))
      add(phase.down, .phase(id, .down, needs: phase.needs))
    }
  }

  private mutating func add(_ script: Script, _ source: Source) {
    for use in PositionalUse.all(in: script.text) {
      entries[use.table, default: []].append(Entry(use: use, script: script, source: source))
    }
  }

  subscript(table: String) -> [Entry] { entries[table] ?? [] }

  /// Reads `…/apps/storefront/1.4.0.sql`.
  private static func application(of file: String) -> (name: String?, version: Version?) {
    let parts = file.split(separator: "/")
    guard parts.count >= 2, let last = parts.last, last.hasSuffix(".sql"),
      let version = try? Version(String(last.dropLast(4)))
    else { return (nil, nil) }
    return (String(parts[parts.count - 2]), version)
  }
}
