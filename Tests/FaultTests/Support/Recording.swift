import FaultVFS
import PhaseDB
import TestDice
import Testing

/// Everything that a lifecycle did to its files, and what the database held after each commit.
struct Recording {
  let journal: Journal
  let lifecycle: Lifecycle
  /// The files before, in the order in which a lifecycle opens them.
  let before: [(name: String, bytes: [UInt8])]
  let operations: [Operation]
  /// What the database held after so many commits.
  let contents: [fault_contents]
  /// How many phases were applied after so many commits.
  let applied: [Int]
  /// How many of the commits are of the way up.
  let ups: Int

  /// Runs the lifecycle: the first phase up, the rest up, everything down.
  ///
  /// - Parameter isNew: begins without a file instead of with an application's database.
  init(_ journal: Journal, _ lifecycle: Lifecycle = .short, isNew: Bool = false) throws {
    self.journal = journal
    self.lifecycle = lifecycle
    let folder = try MemoryFolder()
    let shop = Shop(folder: folder, journal: journal, lifecycle: lifecycle)
    if !isNew { try shop.found() }
    before = Self.names.compactMap { name in folder.bytes(of: name).map { (name: name, bytes: $0) } }
    let watch = try #require(Watch(folder))
    var applied = [0]
    var (ups, acknowledged) = (0, 0)
    for selection in [Selection.upTo(Lifecycle.firstStop), .upAll, .downAll] {
      try shop.open { migrator in
        _ = try migrator.run(try migrator.plan(selection)) { event in
          guard event.tellsOfCommit else { return }
          var count = applied[applied.count - 1]
          if case .committed(_, let direction, _, _) = event { count += direction == .up ? 1 : -1 }
          watch.acknowledge(applied.count)
          applied.append(count)
          acknowledged = watch.operations.count
        }
        // What a run keeps of its ways down, once its phases are done, is a commit of its own.
        if watch.operations.count > acknowledged {
          watch.acknowledge(applied.count)
          applied.append(applied[applied.count - 1])
        }
      }
      if selection.direction == .up { ups = applied.count - 1 }
    }
    operations = watch.operations
    self.ups = ups
    self.applied = applied
    var disk = Disk(before)
    var contents = [try Self.contents(of: disk)]
    for operation in operations {
      _ = disk.apply(operation)
      if case .acknowledged = operation { contents.append(try Self.contents(of: disk)) }
    }
    self.contents = contents
  }

  /// The disk as the lifecycle found it.
  var disk: Disk { Disk(before) }

  /// The files of a database that hold what must not be lost.
  static let names = ["shop.db", "shop.db-journal", "shop.db-wal"]

  /// The files after so many commits, everything in its place.
  func image(after commits: Int) throws -> Image {
    var disk = disk
    for operation in operations {
      _ = disk.apply(operation)
      if case .acknowledged(commits) = operation { break }
    }
    var dice = Dice(seed: 0)
    return disk.image(.everything, &dice)
  }

  private static func contents(of disk: Disk) throws -> fault_contents {
    let folder = try MemoryFolder()
    var dice = Dice(seed: 0)
    try disk.image(.everything, &dice).write(to: folder)
    let contents = unsafe fault_examine("\(folder.path)/shop.db")
    try #require(contents.code == SQLITE_OK, "\(contents.sentence)")
    return contents
  }
}

extension fault_contents {
  /// What is wrong with a database, as SQLite says it.
  var sentence: String {
    let text = unsafe withUnsafeBytes(of: trouble) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return "\(text) (SQLite code \(code))"
  }
}
