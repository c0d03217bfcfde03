internal import PhaseDB

/// What new files begin with.
enum Templates {
  /// - Parameter database: the path of a database as a JSON text, nil when none is known yet.
  static func settings(database: String? = nil) -> String {
    """
    // Settings of phasedb. Every key may be left out.
    {
      // The database, where neither --database nor PHASEDB_DATABASE nor DATABASE_URL names one.
      // A relative path is meant from this folder.
      \(database.map { "\"database\": \($0)," } ?? "// \"database\": \"../app.db\",")

      // How long to wait for another runner or writer.
      "wait": "30s",

      // After which time a version of an application that does not check in again counts as gone.
      "forget": "10m",

      // How long a batch of a phase with @batch should hold the write lock, and the least pause after it.
      // "hold": "10ms",
      // "pause": "2ms",

      // While this query returns a row, no batch begins.
      // "throttle": "SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1 OFFSET 1000",
    }

    """
  }

  /// A phase file that loads once the window and the SQL of both directions are written: only its author knows them.
  static func phase(_ kind: PhaseKind, of name: MigrationName) -> String {
    """
    -- \(purpose(kind))
    --
    -- The versions of an application that run on the schema both before and after this phase:
    -- @window 

    \(kind == .expand ? "-- What down cannot undo: none, or customer|downstream|workflow|support: TEXT\n-- @residual none" : "-- What down cannot undo, one line each: none, or customer|downstream|workflow|support: TEXT\n-- @residual none")
    \(kind == .contract ? contract : "")
    -- @up

    -- @down

    -- A claim about the rows, as a SELECT of those that break it:
    -- -- @verify TITLE
    -- SELECT id FROM ... WHERE ...;

    """
  }

  private static let contract = """
    -- How long the phase before this one must have been in place:
    -- @soak 7d

    -- Instead of DROP: keeps a column or a table with its values out of everybody's use, until it is purged:
    -- -- @retire TABLE.COLUMN

    """

  private static func purpose(_ kind: PhaseKind) -> String {
    switch kind {
    case .expand: "Add what the new version needs; everything that was there before stays as it is."
    case .migrate: "Bring the rows over; the schema stays as it is."
    case .contract: "Remove what no live version needs any more."
    }
  }
}
