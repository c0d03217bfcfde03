internal import PhaseSQL
internal import PhaseSQLite

/// The tables of the ledger, and the version of their layout.
enum LedgerFormat {
  /// The format that this version of phasedb writes, and the newest that it understands.
  static let current = 5

  /// The SQL that makes the tables of the present format. It works with SQLite 3.35, so it has no STRICT tables,
  /// which came with 3.37.
  static let definition = definition(of: current)

  /// The SQL that makes the tables of an older format.
  static func definition(of format: Int) -> String {
    let added = additions.filter { $0.key <= format }.sorted { $0.key < $1.key }
    return ([first] + added.map(\.value)).joined(separator: "\n")
  }

  /// What each format added to the one before, by its number.
  static let additions: [Int: String] = [
    2: """
    -- What a transition took away: the rows stand in phasedb_archive_<id>, content says what they are and how to find
    -- the rows they belong to. state is kept, left (they had no row to come back to), retired or purged.
    CREATE TABLE phasedb_archive (
      id INTEGER PRIMARY KEY,
      phase TEXT NOT NULL,
      direction TEXT NOT NULL,
      entry INTEGER NOT NULL,
      tbl_name TEXT NOT NULL,
      content TEXT NOT NULL,
      rows INTEGER NOT NULL,
      digest TEXT NOT NULL,
      state TEXT NOT NULL
    );
    CREATE INDEX phasedb_archive_phase ON phasedb_archive (phase);
    -- What rehearsals showed. schema_after is NULL when the phase did not go up; report is JSON: the
    -- tables, how many rows each had, how many differed, and how many of these as @loses declares.
    CREATE TABLE phasedb_evidence (
      id INTEGER PRIMARY KEY,
      phase TEXT NOT NULL,
      token_hash TEXT NOT NULL,
      schema_before TEXT NOT NULL,
      schema_after TEXT,
      verdict TEXT NOT NULL,
      at TEXT NOT NULL,
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      phasedb TEXT NOT NULL,
      sqlite TEXT NOT NULL,
      up_ms REAL,
      down_ms REAL,
      hold_ms REAL,
      rows_up INTEGER NOT NULL,
      rows_down INTEGER NOT NULL,
      archive_bytes INTEGER,
      log_bytes INTEGER,
      report TEXT NOT NULL
    );
    CREATE INDEX phasedb_evidence_phase ON phasedb_evidence (phase);
    -- Copies of the whole database that belong to named checkpoints. checksum is SHA-256 over the file.
    CREATE TABLE phasedb_snapshot (
      checkpoint TEXT NOT NULL PRIMARY KEY,
      path TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      checksum TEXT NOT NULL
    );
    -- A batched phase that is under way; at most one row. Rows of the table up to the cursor are as the phase leaves
    -- them, whichever direction it runs in. Columns without a type hold keys as they are.
    CREATE TABLE phasedb_batch (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      phase TEXT NOT NULL,
      token_hash TEXT NOT NULL,
      declarations TEXT NOT NULL,
      up_sql TEXT NOT NULL,
      down_sql TEXT NOT NULL,
      format INTEGER NOT NULL,
      key TEXT NOT NULL,
      first,
      last,
      direction TEXT NOT NULL,
      cursor,
      cursor_side TEXT NOT NULL,
      origin,
      origin_side TEXT NOT NULL,
      total INTEGER,
      rows INTEGER NOT NULL,
      orphans INTEGER,
      size INTEGER NOT NULL,
      rate REAL NOT NULL,
      hold REAL NOT NULL,
      hold_p50 REAL NOT NULL,
      hold_p99 REAL NOT NULL,
      pause REAL NOT NULL,
      reason TEXT NOT NULL,
      detail TEXT NOT NULL,
      resuming TEXT NOT NULL,
      since TEXT NOT NULL,
      beat TEXT NOT NULL,
      runner TEXT NOT NULL
    );
    """,
    3: """
    -- What the way back of an applied phase was seen to do while the phase went up, with its own rows and before any
    -- application wrote: sequence is the phase's. verdict is exact, chance, lossy, blocked or untried; report is JSON.
    CREATE TABLE phasedb_round_trip (
      sequence INTEGER PRIMARY KEY,
      verdict TEXT NOT NULL,
      report TEXT NOT NULL
    );
    -- What the way back of an applied phase was seen to do since, from the schema with that digest: means is scratch, where
    -- there are no rows, or rehearsal, on a copy of the database. report is JSON.
    CREATE TABLE phasedb_way_down (
      sequence INTEGER NOT NULL,
      means TEXT NOT NULL,
      schema TEXT NOT NULL,
      at TEXT NOT NULL,
      verdict TEXT NOT NULL,
      report TEXT NOT NULL,
      PRIMARY KEY (sequence, means)
    );
    """,
    4: """
    -- How phases are watched once they are up: id is the sequence of the phase, first that of the first phase that comes
    -- down with it. judgement is JSON; failed names the probe that failed, reversal is the log's row of the way back that
    -- began by itself.
    CREATE TABLE phasedb_watch (
      id INTEGER PRIMARY KEY,
      phase TEXT NOT NULL,
      token_hash TEXT NOT NULL,
      first INTEGER NOT NULL,
      since TEXT NOT NULL,
      judgement TEXT NOT NULL,
      verdict TEXT NOT NULL,
      detail TEXT NOT NULL,
      failed TEXT NOT NULL,
      beat TEXT NOT NULL,
      reversal INTEGER,
      declarations TEXT NOT NULL,
      up_sql TEXT NOT NULL,
      down_sql TEXT NOT NULL
    );
    -- What probes showed: the last ten samples of each, those before the phase, whose round is 0 and less, and each that
    -- is another than the one before it. outcome is passes, fails or unknown.
    CREATE TABLE phasedb_sample (
      watch INTEGER NOT NULL,
      probe TEXT NOT NULL,
      round INTEGER NOT NULL,
      at TEXT NOT NULL,
      outcome TEXT NOT NULL,
      value REAL,
      reason TEXT NOT NULL,
      PRIMARY KEY (watch, probe, round)
    );
    -- Who watches; at most one row.
    CREATE TABLE phasedb_watcher (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      process INTEGER NOT NULL,
      boot_id TEXT NOT NULL,
      process_space TEXT NOT NULL,
      process_start TEXT NOT NULL,
      beat TEXT NOT NULL
    );
    -- What keeps watches from reversing; at most one row. until is NULL when it does not end by itself.
    CREATE TABLE phasedb_freeze (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      reason TEXT NOT NULL,
      until TEXT
    );
    """,
    5: [lanes, switches, effects].joined(separator: "\n"),
  ]

  /// Part of format 5: the lanes that were ever held. `state` is holding, held or open. `until` is the moment at
  /// which the trigger of a lane stops holding it. `watch` is the row of phasedb_watch for which it stays held.
  /// `reason` and `by_hand` tell why an operator holds it, and until when.
  private static let lanes = """
    CREATE TABLE phasedb_lane (
      name TEXT NOT NULL PRIMARY KEY,
      state TEXT NOT NULL,
      since TEXT NOT NULL,
      until TEXT NOT NULL,
      phase TEXT NOT NULL,
      watch INTEGER,
      reason TEXT NOT NULL,
      by_hand TEXT,
      file TEXT NOT NULL,
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      process INTEGER NOT NULL,
      boot_id TEXT NOT NULL,
      process_space TEXT NOT NULL,
      process_start TEXT NOT NULL
    );
    """

  private static let switches = """
    -- To how many of those who ask a switch is on, in hundredths of a percent. salt makes its buckets its own; hash is
    -- the number of the way in which they are computed. full_since is when it began to be on for everybody, closed_at
    -- when it was closed last; both are NULL while that is not so. Applications read this with the query of
    -- phasedb switch sql.
    CREATE TABLE phasedb_switch (
      name TEXT NOT NULL PRIMARY KEY,
      exposure INTEGER NOT NULL CHECK (exposure BETWEEN 0 AND 10000),
      salt INTEGER NOT NULL CHECK (salt BETWEEN 2 AND 2147483646),
      hash INTEGER NOT NULL,
      full_since TEXT,
      closed_at TEXT,
      changed_at TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT NOT NULL
    );
    -- For whom a switch is on or off whatever its exposure.
    CREATE TABLE phasedb_switch_member (
      name TEXT NOT NULL,
      subject TEXT NOT NULL,
      "on" INTEGER NOT NULL CHECK ("on" IN (0, 1)),
      reason TEXT NOT NULL,
      PRIMARY KEY (name, subject)
    );
    -- How a switch is raised step by step: steps are exposures, step is the number of the present one, every is in
    -- milliseconds, phase is the sequence of the phase whose probes judge it. judgement and baseline are JSON.
    CREATE TABLE phasedb_ramp (
      name TEXT NOT NULL PRIMARY KEY,
      steps TEXT NOT NULL,
      step INTEGER NOT NULL,
      every INTEGER NOT NULL,
      phase INTEGER NOT NULL,
      judgement TEXT NOT NULL,
      baseline TEXT NOT NULL,
      verdict TEXT NOT NULL,
      detail TEXT NOT NULL,
      since TEXT NOT NULL,
      beat TEXT NOT NULL,
      runner TEXT NOT NULL
    );
    """

  /// The part of format 5 that counts effects.
  private static let effects = """
    -- From where the lines of @effects of a phase count, by their numbers in its text, since it began to go up: mark is the
    -- greatest value of the column then, NULL when there was none. open is how many rows did not meet the condition then;
    -- NULL when they cannot be followed. Columns without a type hold values as they are.
    CREATE TABLE phasedb_effect (
      phase TEXT NOT NULL,
      number INTEGER NOT NULL,
      at TEXT NOT NULL,
      mark,
      open INTEGER,
      PRIMARY KEY (phase, number)
    ) WITHOUT ROWID;
    -- The rows that did not meet the condition then, by their values of the column.
    CREATE TABLE phasedb_effect_open (
      phase TEXT NOT NULL,
      number INTEGER NOT NULL,
      key NOT NULL,
      PRIMARY KEY (phase, number, key)
    ) WITHOUT ROWID;
    """

  private static let first = """
    CREATE TABLE phasedb_meta (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    );
    -- Who did what when. Only ever added to; each row's hash covers the row before it. schema_version is SQLite's own
    -- count of schema changes at the time, which was looked at and found in order.
    CREATE TABLE phasedb_log (
      id INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT NOT NULL,
      hash TEXT NOT NULL,
      schema_version INTEGER NOT NULL
    );
    -- The phases that are applied, in the order in which they were. sequence is the id of the log's row.
    CREATE TABLE phasedb_phase (
      sequence INTEGER PRIMARY KEY,
      phase TEXT NOT NULL UNIQUE,
      token_hash TEXT NOT NULL,
      windows TEXT NOT NULL,
      declarations TEXT NOT NULL,
      up_sql TEXT NOT NULL,
      down_sql TEXT NOT NULL,
      schema_before TEXT NOT NULL,
      schema_after TEXT NOT NULL,
      applied_at TEXT NOT NULL,
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      duration_ms REAL NOT NULL,
      phasedb TEXT NOT NULL,
      sqlite TEXT NOT NULL
    );
    -- What the schema lost (-) and gained (+) by each phase; sequence 0 is the schema the ledger began with. Rows of
    -- any other sequence are a change from outside that was accepted by the log's row of that id.
    CREATE TABLE phasedb_schema (
      sequence INTEGER NOT NULL,
      change TEXT NOT NULL,
      type TEXT NOT NULL,
      name TEXT NOT NULL,
      tbl_name TEXT NOT NULL,
      sql TEXT NOT NULL
    );
    CREATE INDEX phasedb_schema_sequence ON phasedb_schema (sequence);
    -- Points an operator named. sequence is that of the last phase applied then, 0 before the first.
    CREATE TABLE phasedb_checkpoint (
      name TEXT NOT NULL PRIMARY KEY,
      sequence INTEGER NOT NULL,
      at TEXT NOT NULL,
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      note TEXT NOT NULL
    );
    -- Whoever runs several transactions as one; at most one row.
    CREATE TABLE phasedb_lease (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      who TEXT NOT NULL,
      host TEXT NOT NULL,
      process INTEGER NOT NULL,
      boot_id TEXT NOT NULL,
      process_space TEXT NOT NULL,
      process_start TEXT NOT NULL,
      since TEXT NOT NULL,
      work TEXT NOT NULL
    );
    -- Which version of an application an instance of it said it is, and when it last did. Applications may write this.
    CREATE TABLE phasedb_app (
      app TEXT NOT NULL,
      version TEXT NOT NULL,
      instance TEXT NOT NULL,
      seen_at TEXT NOT NULL,
      PRIMARY KEY (app, instance)
    );
    """

  /// The names of the ledger's objects that have SQL.
  static let objectNames: Set<FoldedName> = [
    "phasedb_meta", "phasedb_log", "phasedb_phase", "phasedb_schema", "phasedb_schema_sequence",
    "phasedb_checkpoint", "phasedb_lease", "phasedb_app", "phasedb_archive", "phasedb_archive_phase",
    "phasedb_evidence", "phasedb_evidence_phase", "phasedb_batch", "phasedb_snapshot", "phasedb_round_trip",
    "phasedb_way_down", "phasedb_watch", "phasedb_sample", "phasedb_watcher", "phasedb_freeze",
    "phasedb_lane",
    "phasedb_switch", "phasedb_switch_member", "phasedb_ramp",
    "phasedb_effect", "phasedb_effect_open",
  ]

  /// The tables among them.
  static let tableNames = objectNames.subtracting([
    "phasedb_schema_sequence", "phasedb_archive_phase", "phasedb_evidence_phase",
  ])
}
