internal import PhaseSQL
internal import PhaseSQLite

/// The verdict on reversing an applied phase: what that would restore with the present rows, and how certain that is.
public struct Reversal: Sendable, Hashable {
  /// The verdict in one word.
  public enum Word: String, Sendable, Hashable, CaseIterable {
    /// The way back was run and restored everything, and the archives cover everything that has happened since. Later
    /// writes stay if both schemas have a place for them.
    case exact
    /// The way back ran on a database without rows, and led to the schema before the phase. It was not tried with
    /// rows.
    case expected
    /// It is known that something does not come back.
    case lossy
    /// Rows changed, were added or got a used key since, and may get the values of other rows.
    case uncertain
    /// The way back does not run, or would break a constraint or a reference.
    case blocked
    /// The way back was not tried.
    case unknown
  }

  /// How the way back was tried.
  enum Basis: Int, Sendable, Hashable {
    /// The way back was not tried.
    case nothing
    /// Its SQL ran on a database without rows, and led to the schema before the phase.
    case scratch
    /// It ran with rows, and they came back as they had been.
    case rows
  }

  var basis: Basis = .rows
  /// The losses; one entry for each column, or for whole rows of a table.
  package internal(set) var lost: [AffectedRows] = []
  /// Rows that may get the values of other rows, and why.
  package internal(set) var uncertain: [AffectedRows] = []
  /// The reasons why the way back cannot run.
  package internal(set) var obstacles: [Obstacle] = []
  /// Where the verdict comes from, one sentence each.
  public internal(set) var notes: [Prose] = []
  /// How archives of the phase compared with present rows, by their numbers. Only for the phase that was applied last,
  /// and where its way back was not run on a copy.
  var comparisons: [Int64: ArchiveComparison] = [:]

  /// The verdict: the worst known fact decides.
  public var word: Word {
    if !obstacles.isEmpty { return .blocked }
    if !lost.isEmpty { return .lossy }
    if !uncertain.isEmpty { return .uncertain }
    switch basis {
    case .rows: return .exact
    case .scratch: return .expected
    case .nothing: return .unknown
    }
  }

  /// Rows of a table that do not get their values back, or may get those of other rows. Archived values stay in the
  /// archive until they are purged.
  package struct AffectedRows: Sendable, Hashable {
    package let table: String
    /// nil for whole rows.
    package let column: String?
    /// How many; nil when they cannot be counted.
    package let rows: Int?
    /// Why, as the end of a sentence.
    package let why: Prose
    /// Whether the phase accepts the loss with `@loses`.
    package var isDeclared = false

    /// The same for another number of rows.
    func counted(_ rows: Int) -> AffectedRows {
      AffectedRows(table: table, column: column, rows: rows, why: why, isDeclared: isDeclared)
    }

    /// `customers.full_name`, or the table alone.
    package var subject: String { shownColumn.map { "\(shownTable).\($0)" } ?? shownTable }

    /// The name of the table; of a retired one, the name that it had.
    package var shownTable: String { RetiredName(SchemaName(table))?.original.spelled ?? table }

    /// The name of the column; of a retired one, the name that it had.
    package var shownColumn: String? {
      column.map { RetiredName(SchemaName($0))?.original.spelled ?? $0 }
    }
  }

  /// A reason why a way back cannot run.
  package struct Obstacle: Sendable, Hashable {
    /// One sentence without a full stop.
    package let reason: Prose
    /// The rows that cause it, or more about the reason: one line each.
    package var rows: [Prose] = []
    /// What an operator can do, one line each.
    package var openings: [Prose] = []
    /// The id of the error that refuses a way down because of it.
    var error = MigrationError.ID.reversalBlocked
  }

  /// Whether it is exact, apart from losses that the phase declares.
  public var isExactOrDeclared: Bool {
    switch word {
    case .exact, .expected: true
    case .lossy: lost.allSatisfy(\.isDeclared) && uncertain.isEmpty
    case .uncertain, .blocked, .unknown: false
    }
  }

  /// The same verdict, with the losses marked that a phase declares.
  func declaring(_ losses: [Loss]) -> Reversal {
    guard !losses.isEmpty else { return self }
    let declared = Set(losses.map { "\($0.table).\($0.column)".folded })
    var reversal = self
    for index in lost.indices where declared.contains(lost[index].subject.folded) {
      reversal.lost[index].isDeclared = true
    }
    return reversal
  }
}

extension Reversal.Word: Comparable {
  /// Ordered from best to worst.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .exact: 0
    case .expected: 1
    case .uncertain: 2
    case .lossy: 3
    case .unknown: 4
    case .blocked: 5
    }
  }
}

extension Reversal {
  /// The first reason for the verdict, for one line of a list; empty when the word says it all.
  package var brief: Prose {
    if let obstacle = obstacles.first { return obstacle.reason }
    let rows = lost + uncertain
    guard let first = rows.first else { return "" }
    let count = first.rows.map { DetailLines.rows($0) } ?? "an unknown number of rows"
    let declared: Prose = first.isDeclared ? ", declared" : ""
    return "\(first.subject), \(count)\(declared)\(rows.count > 1 ? " and \(rows.count - 1) more" : "")"
  }
}

extension Reversal.Obstacle {
  /// The message that refuses a phase because of it.
  func message(of id: PhaseID) -> Prose { "\(id) cannot come down: \(reason)" }

  /// The obstacle for a step that was refused on a copy.
  init(_ error: MigrationError, of id: PhaseID) {
    self.init(
      reason: Reversal.withoutPhase(error.message, of: id), rows: error.details,
      openings: error.help, error: error.id)
  }
}

extension Reversal {
  /// A reason without the name of the phase, for a place that already names it.
  static func withoutPhase(_ reason: Prose, of id: PhaseID) -> Prose {
    if let rest = reason.without(prefix: "\(id) cannot come down: ") { return rest }
    return reason.without(prefix: "\(id) down ").map { "it \($0)" } ?? reason
  }

  /// The word, and the first reason for it.
  var inOneLine: Prose {
    let reason = brief
    return reason.isEmpty ? "\(word.rawValue)" : "\(word.rawValue): \(reason)"
  }

  /// A line of the verdict, and the indented lines that continue it.
  package struct Line: Equatable {
    package let head: Prose
    package internal(set) var rest: [Prose] = []

    /// All of them, with the names of phases before the first.
    package func after(_ name: Prose) -> [Prose] { ["\(name) \(head)"] + rest }
  }

  /// The verdict with its reasons, and the notes below the last one.
  package var reasons: [Line] {
    var lines = obstacles.map { obstacle in
      Line(
        head: "blocked: \(obstacle.reason)",
        rest: obstacle.rows.map { "  \($0)" } + obstacle.openings.map { "  to open it: \($0)" })
    }
    lines += lost.map { rows in
      Line(head: "lossy: \(rows.text)\(rows.isDeclared ? " (declared by @loses)" : "")")
    }
    lines += uncertain.map { Line(head: "uncertain: \($0.text)") }
    switch word {
    case .exact: lines.append(Line(head: "exact"))
    case .expected where notes.isEmpty:
      lines.append(Line(head: "expected: its way back runs, and no rehearsal has shown it on rows"))
    case .expected: lines.append(Line(head: "expected"))
    case .unknown: lines.append(Line(head: "unknown: its way back was not tried"))
    // The word follows from what there is above.
    case .lossy, .uncertain, .blocked: break
    }
    lines[lines.count - 1].rest += notes.map { "  \($0)" }
    return lines
  }

  /// The same, line by line.
  package var lines: [Prose] { reasons.flatMap { [$0.head] + $0.rest } }

  /// The same, with the phase's name before each reason.
  package func lines(of id: PhaseID) -> [Prose] { reasons.flatMap { $0.after("\(id.short) down:") } }
}

extension Reversal.AffectedRows {
  fileprivate var text: Prose {
    "\(subject), \(rows.map { CountText.text($0, "row") } ?? "an unknown number of rows"): \(why)"
  }
}

/// Virtual tables whose rows cannot be read, so that they cannot be archived: full-text tables without content, and
/// tables of modules that phasedb does not know.
struct UnreadableTables {
  private let names: [SchemaName]

  init(_ schema: Schema) {
    names = schema.objects.filter(\.isVirtual).compactMap { object in
      guard let table = TableDefinition(object.sql), let virtual = table.virtual else { return nil }
      return virtual.content == .unreadable ? table.name : nil
    }
  }

  /// The tables that a later schema no longer has.
  func gone(in later: Schema) -> [Reversal.AffectedRows] {
    names.filter { later.object("table", $0) == nil }.map { name in
      Reversal.AffectedRows(
        table: name.spelled, column: nil, rows: nil, why: "its module cannot restore its rows",
        isDeclared: false)
    }
  }
}
