internal import PhaseDB

/// What new files begin with.
enum Templates {
  /// - Parameters:
  ///   - database: the path of a database as a JSON text, nil when none is known yet.
  ///   - ignored: tables outside the schema, as JSON texts.
  static func settings(
    database: String? = nil, ignoring ignored: [String] = [], functions: [String] = []
  ) -> String {
    """
    // Settings of phasedb. Every key may be left out.
    {
      // The database, where neither --database nor PHASEDB_DATABASE nor DATABASE_URL names one.
      // A relative path is meant from this folder.
      \(database.map { "\"database\": \($0)," } ?? "// \"database\": \"../app.db\",")

      // Tables that are outside the schema: nothing compares them, and phases leave them alone.
      \(ignored.isEmpty ? "// \"ignoreTables\": [\"cache_*\"]," : "\"ignoreTables\": [\(ignored.joined(separator: ", "))],")
    \(functions.isEmpty ? "" : """

        // Functions of the application, for which a stand-in answers wherever phasedb tries something.
        "functions": [\(functions.joined(separator: ", "))],

      """)
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
  static func phase(_ kind: Phase.Kind, of name: MigrationName) -> String {
    let extra = kind == .contract ? contract : kind == .migrate ? migrate : ""
    return """
      -- \(purpose(kind))
      --
      -- Needed: the versions of each application that run both before and after this phase.
      -- Example: @window shop >=1.4 <2.1
      --
      -- Optional: what down cannot undo, and a claim that verify checks.
      -- Example: @residual none
      -- Example: @residual customer: mails that were sent name the new address
      -- Example: @verify every order has a customer
      --   SELECT id FROM orders WHERE customer_id IS NULL;
      \(extra)
      -- @up

      -- @down

      """
  }

  private static let migrate = """
    --
    -- Optional: run in batches, for tables with many rows. The SQL names :first and :last.
    -- Example: @batch orders

    """

  private static let contract = """
    --
    -- Optional: keep what is removed, and wait before removing it.
    -- Example: @retire customers.full_name
    -- Example: @soak 7d

    """

  private static func purpose(_ kind: Phase.Kind) -> String {
    switch kind {
    case .expand: "Add what the new version needs. What was there before stays as it is."
    case .migrate: "Bring the rows over. The schema stays as it is."
    case .contract: "Remove what no live version needs any more."
    }
  }
}
