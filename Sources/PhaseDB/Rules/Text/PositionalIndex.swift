internal import PhaseSQL
internal import PhaseSQLite

/// Where the SQL of a folder counts columns, by table. It is made once, so that each phase looks up only the tables it
/// changes.
struct PositionalIndex {
  struct Entry {
    let use: PositionalUse
    let script: Script
    let source: Source

    var place: Place { script.place(at: use.range.lowerBound, length: use.range.count) }
  }

  enum Source {
    /// A version of an application; both nil when the file's name does not give them.
    case application(name: String?, version: Version?)
    case phase(PhaseID, Direction, needs: [String])
  }

  private var entries: [FoldedName: [Entry]] = [:]

  init(_ catalog: Catalog, corpus: [Script]) {
    for script in corpus {
      let file = Corpus.File(path: script.file)
      // Without its version, an application's name says nothing about when it runs.
      add(
        script,
        .application(name: file?.version.map { _ in file?.application } ?? nil, version: file?.version))
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

  subscript(table: FoldedName) -> [Entry] { entries[table] ?? [] }
}
