import TestDice

/// A database, up to three phases and an application that writes in between, all from one number.
struct DrawnCase {
  let seed: UInt64
  let tables: [DrawnTable]
  let script: [String]
  let phases: [DrawnPhase]
  let isBusy: Bool
  private(set) var isBatched: Bool
  let dice: Dice
  /// What decides about a wild case; nil for another one.
  let wild: Dice?

  /// The names of full-text indexes that triggers keep.
  let indexesOfWords: Set<String>
  /// Whether its SQL leaves something to chance, the clock or the order of rows.
  let isChancy: Bool

  /// Whether each way down is run on a second copy, too: what is said of chance has to hold whatever falls.
  let isRepeated: Bool

  /// Whether the database is in WAL mode, and every trial of a way back is undone with its whole transaction, as that of a
  /// large table is.
  let isInWALMode: Bool

  /// Half of all cases are sensible or wrong without chance.
  ///
  /// - Parameters:
  ///   - hasOrnaments: whether tables may have constraints, references, triggers and indexes of words.
  ///   - isWild: whether keys and values may be unusual ones, applications write between phases and exchange rows, and
  ///     what came down may go up again; nil
  ///     leaves it to the seed.
  ///   - loosens: whether phases leave constraints out that their ways back restore; nil leaves it to the seed.
  init(seed: UInt64, hasOrnaments: Bool = true, isWild: Bool? = nil, loosens: Bool? = nil) {
    self.seed = seed
    var looseness = Dice(seed: seed ^ 0x1005E)
    let loosens = loosens ?? looseness.falls(40)
    var log = Dice(seed: seed ^ 0x3A1)
    isInWALMode = log.falls(WayBackTests.walPercent)
    var wild = Dice(seed: seed ^ 0x571D)
    let falls = wild.falls(WayBackTests.wildPercent)
    let isWild = isWild ?? falls
    var luck = Dice(seed: ~seed)
    let isChancy = luck.falls(50)
    isRepeated = luck.falls(30)
    var dice = Dice(seed: seed)
    var tables = (0...dice.below(2)).map { number in
      let key = isWild && wild.falls(40) ? wild.pick(DrawnTable.Key.unusual) : nil
      return DrawnTable("t\(number)", isChancy: isChancy, key: key, &dice)
    }
    if hasOrnaments, luck.falls(40) {
      for index in tables.indices where luck.falls(60) {
        tables[index].ornament = Ornament(
          of: tables[index], beside: tables.enumerated().filter { $0.offset != index }.map(\.element), &luck)
      }
    }
    var script = ["CREATE TABLE audit (id INTEGER PRIMARY KEY, what);"]
    if isChancy {
      script = [
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, what, at DEFAULT (strftime('%f', 'now')));", Chance.view,
      ]
    }
    for table in tables {
      script.append(table.sql())
      script += table.attachments
      script += (0..<dice.below(7)).map { table.insert($0 + 1, &dice, "INSERT OR IGNORE") }
      guard isWild, wild.falls(40) else { continue }
      let (column, row) = (Shell.name(wild.pick(table.columns).name), table.rowName)
      script.append(
        "UPDATE OR IGNORE \(table.quoted) SET \(column) = \(DrawnSQL.strangeValue(&wild)) WHERE \(row) IN (SELECT \(row) FROM \(table.quoted) LIMIT 2);"
      )
    }
    if isInWALMode { script.insert("PRAGMA journal_mode = WAL;", at: 0) }
    // Behind all rows, so that no trigger meets a table that is not there yet.
    let ornaments = tables.compactMap(\.ornament)
    script += ornaments.flatMap { $0.script + $0.attachments }
    indexesOfWords = Set(ornaments.compactMap(\.indexOfWords))
    (self.tables, self.script, self.isChancy) = (tables, script, isChancy)
    var phases = [DrawnPhase(tables, number: 1, loosens: loosens, &dice)]
    if dice.falls(35) { phases.append(DrawnPhase(phases[0].tables, number: 2, loosens: loosens, &dice)) }
    if isWild {
      while phases.count < 3, wild.falls(30), let last = phases.last {
        phases.append(DrawnPhase(last.tables, number: phases.count + 1, loosens: loosens, &wild))
      }
    }
    self.wild = isWild ? wild : nil
    self.phases = phases
    isBusy = dice.falls(60)
    isBatched = dice.falls(60)
    self.dice = dice
  }

  /// Whether a phase can run in batches.
  var hasBatches: Bool { phases.contains { $0.batch != nil } }

  /// The same case with its phases in batches, or each in one transaction.
  func batched(_ isBatched: Bool) -> DrawnCase {
    var other = self
    other.isBatched = isBatched
    return other
  }

  /// Whether a second run may do something else.
  var isLeftToChance: Bool {
    guard isChancy else { return false }
    let attachments = tables.flatMap { $0.attachments + ($0.ornament?.attachments ?? []) }
    return phases.contains(where: \.isChancy)
      || attachments.contains { Chance.isIn($0) || $0.contains("audit") }
      || tables.flatMap(\.columns).contains { Chance.isIn($0.rest) }
  }
}
