import PhaseSQLite
import Testing

@testable import PhaseDB

/// A job queue as its library keeps it: the tables, and the statements of producers and workers.
///
/// The tables have the names and the types of the library's own. What no statement here uses is left out.
struct QueueCase: CustomTestStringConvertible, Sendable {
  /// What a worker believes when it has asked for a job.
  enum Claimed: Equatable {
    case job(Int64)
    case none
    /// The database is locked, as far as the worker can tell: it asks again.
    case locked
  }

  let kind: LaneKind
  /// The queue that is held, and one beside it; nil where a queue is a table of its own.
  var queue: String? = "mail"
  var other: String? = "export"
  let schema: String
  /// Adds a job to a queue.
  let produce: @Sendable (Connection, String) throws -> Void
  /// What a worker of a queue does for its next job, as the library does it.
  let claim: @Sendable (Connection, String) throws -> Claimed
  /// What it does once the job is done.
  let finish: @Sendable (Connection, Int64) throws -> Void

  var testDescription: String { kind.rawValue }

  /// The first value of the first row that a statement returns.
  static func id(_ connection: Connection, _ sql: String, _ queue: String) throws -> Claimed {
    let rows = try connection.rows(sql, .text(queue))
    return rows.first?[0].integer.map { .job($0) } ?? .none
  }
}

extension QueueCase {
  static let all: [QueueCase] = [
    QueueCase(
      kind: .solidQueue,
      schema: """
        CREATE TABLE solid_queue_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, queue_name varchar NOT NULL, class_name varchar NOT NULL, finished_at datetime(6), created_at datetime(6) NOT NULL, updated_at datetime(6) NOT NULL);
        CREATE TABLE solid_queue_ready_executions (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, job_id bigint NOT NULL, queue_name varchar NOT NULL, priority integer DEFAULT 0 NOT NULL, created_at datetime(6) NOT NULL, FOREIGN KEY (job_id) REFERENCES solid_queue_jobs (id) ON DELETE CASCADE);
        CREATE TABLE solid_queue_blocked_executions (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, job_id bigint NOT NULL, queue_name varchar NOT NULL, concurrency_key varchar NOT NULL, expires_at datetime(6) NOT NULL, created_at datetime(6) NOT NULL);
        CREATE TABLE solid_queue_claimed_executions (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, job_id bigint NOT NULL, process_id bigint, created_at datetime(6) NOT NULL, FOREIGN KEY (job_id) REFERENCES solid_queue_jobs (id) ON DELETE CASCADE);
        CREATE UNIQUE INDEX index_solid_queue_claimed_executions_on_job_id ON solid_queue_claimed_executions (job_id);
        """,
      produce: { connection, queue in
        let now = "'2026-01-31 12:00:00.000000'"
        try connection.execute(
          "INSERT INTO solid_queue_jobs (queue_name, class_name, created_at, updated_at) VALUES (?1, 'J', \(now), \(now))",
          .text(queue))
        try connection.execute(
          "INSERT INTO solid_queue_ready_executions (job_id, queue_name, created_at) VALUES (last_insert_rowid(), ?1, \(now))",
          .text(queue))
      },
      claim: { connection, queue in
        let candidates = try connection.rows(
          "SELECT id, job_id FROM solid_queue_ready_executions WHERE queue_name = ?1 ORDER BY priority, job_id LIMIT 1",
          .text(queue))
        guard let candidate = candidates.first else { return .none }
        _ = try connection.rows(
          "INSERT INTO solid_queue_claimed_executions (job_id, process_id, created_at) VALUES (?1, 1, datetime('now')) RETURNING id",
          candidate[1])
        let claimed = try connection.rows(
          "SELECT job_id FROM solid_queue_claimed_executions WHERE job_id = ?1 AND process_id = 1",
          candidate[1])
        guard let job = claimed.first?[0].integer else { return .none }
        try connection.execute("DELETE FROM solid_queue_ready_executions WHERE id = ?1", candidate[0])
        return .job(job)
      },
      finish: { connection, job in
        try connection.execute(
          "UPDATE solid_queue_jobs SET finished_at = datetime('now') WHERE id = ?1", .integer(job))
        try connection.execute("DELETE FROM solid_queue_claimed_executions WHERE job_id = ?1", .integer(job))
      }),
    QueueCase(
      kind: .river,
      schema: """
        CREATE TABLE river_job (id integer PRIMARY KEY, args blob NOT NULL DEFAULT '{}', attempt integer NOT NULL DEFAULT 0, attempted_at timestamp, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, finalized_at timestamp, kind text NOT NULL, max_attempts integer NOT NULL, priority integer NOT NULL DEFAULT 1, queue text NOT NULL DEFAULT 'default', state text NOT NULL DEFAULT 'available', scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT finalized_or_finalized_at_null CHECK ((finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))))
        """,
      produce: { connection, queue in
        try connection.execute(
          "INSERT INTO river_job (kind, max_attempts, queue, state) VALUES ('j', 25, ?1, 'available')",
          .text(queue))
      },
      claim: { connection, queue in
        try id(
          connection,
          "UPDATE river_job SET attempt = attempt + 1, attempted_at = datetime('now'), state = 'running' WHERE id IN (SELECT id FROM river_job WHERE priority >= 0 AND queue = ?1 AND scheduled_at <= datetime('now') AND state = 'available' ORDER BY priority, scheduled_at, id LIMIT 1) RETURNING id",
          queue)
      },
      finish: { connection, job in
        try connection.execute(
          "UPDATE river_job SET state = 'completed', finalized_at = datetime('now') WHERE id = ?1 AND state = 'running'",
          .integer(job))
      }),
    QueueCase(
      kind: .obanLite,
      schema: """
        CREATE TABLE oban_jobs (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT DEFAULT 'available' NOT NULL, queue TEXT DEFAULT 'default' NOT NULL, worker TEXT NOT NULL, args JSON DEFAULT ('{}') NOT NULL, attempt INTEGER DEFAULT 0 NOT NULL, max_attempts INTEGER DEFAULT 20 NOT NULL, priority INTEGER DEFAULT 0 NOT NULL, inserted_at TEXT DEFAULT CURRENT_TIMESTAMP NOT NULL, scheduled_at TEXT DEFAULT CURRENT_TIMESTAMP NOT NULL, attempted_at TEXT, completed_at TEXT);
        CREATE INDEX oban_jobs_state_queue_priority_scheduled_at_id_index ON oban_jobs (state, queue, priority, scheduled_at, id);
        """,
      produce: { connection, queue in
        try connection.execute("INSERT INTO oban_jobs (queue, worker) VALUES (?1, 'W')", .text(queue))
      },
      claim: { connection, queue in
        try id(
          connection,
          "UPDATE oban_jobs SET state = 'executing', attempted_at = '2026-01-31T12:00:00.000000Z', attempt = attempt + 1 WHERE id IN (SELECT id FROM oban_jobs WHERE state = 'available' AND queue = ?1 AND attempt < max_attempts ORDER BY priority, scheduled_at, id LIMIT 1) RETURNING id",
          queue)
      },
      finish: { connection, job in
        try connection.execute(
          "UPDATE oban_jobs SET state = 'completed', completed_at = '2026-01-31T12:00:01.000000Z' WHERE id = ?1",
          .integer(job))
      }),
    QueueCase(
      kind: .litequeue, queue: nil, other: nil,
      schema: """
        CREATE TABLE [Queue] (data TEXT NOT NULL, message_id TEXT NOT NULL, status INTEGER NOT NULL, in_time INTEGER NOT NULL, lock_time INTEGER, done_time INTEGER);
        CREATE INDEX TIdx ON [Queue] (message_id);
        CREATE INDEX SIdx ON [Queue] (status);
        """,
      produce: { connection, _ in
        try connection.execute(
          "INSERT INTO [Queue] VALUES ('x', hex(randomblob(8)), 0, 1769860800000000000, NULL, NULL)")
      },
      claim: { connection, _ in
        try id(
          connection,
          "UPDATE [Queue] SET status = 1, lock_time = 1769860800000000000 WHERE rowid = (SELECT rowid FROM [Queue] WHERE status = 0 AND ?1 = ?1 ORDER BY message_id LIMIT 1) RETURNING rowid",
          "")
      },
      finish: { connection, job in
        try connection.execute("UPDATE [Queue] SET status = 2, done_time = 1 WHERE rowid = ?1", .integer(job))
      }),
    QueueCase(
      kind: .liteq,
      schema: """
        CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, payload TEXT NOT NULL, queue TEXT NOT NULL, status TEXT DEFAULT 'pending', priority INTEGER DEFAULT 0, attempts INTEGER DEFAULT 0, worker_id TEXT, run_at DATETIME DEFAULT CURRENT_TIMESTAMP, started_at DATETIME, finished_at DATETIME);
        CREATE INDEX idx_fetch ON tasks (status, queue, priority DESC, run_at);
        """,
      produce: { connection, queue in
        try connection.execute(
          "INSERT INTO tasks (name, payload, queue) VALUES ('t', '{}', ?1)", .text(queue))
      },
      claim: { connection, queue in
        try id(
          connection,
          "UPDATE tasks SET status = 'running', worker_id = 'w' WHERE id = (SELECT id FROM tasks WHERE status = 'pending' AND queue IN (?1) AND run_at <= CURRENT_TIMESTAMP ORDER BY priority DESC, id LIMIT 1) RETURNING id",
          queue)
      },
      finish: { connection, job in
        try connection.execute(
          "UPDATE tasks SET status = 'done', finished_at = CURRENT_TIMESTAMP WHERE id = ?1", .integer(job))
      }),
    QueueCase(
      kind: .goqite,
      schema: """
        CREATE TABLE goqite (id TEXT PRIMARY KEY DEFAULT ('m_' || lower(hex(randomblob(16)))), created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), updated TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), queue TEXT NOT NULL, body BLOB NOT NULL, timeout TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), received INTEGER NOT NULL DEFAULT 0);
        CREATE TRIGGER goqite_updated_timestamp AFTER UPDATE ON goqite BEGIN UPDATE goqite SET updated = strftime('%Y-%m-%dT%H:%M:%fZ') WHERE id = old.id; END;
        """,
      produce: { connection, queue in
        // With the offset of a place that is not at UTC, as the library writes the local time.
        try connection.execute(
          "INSERT INTO goqite (queue, body, timeout) VALUES (?1, x'00', strftime('%Y-%m-%dT%H:%M:%f', 'now', '+2 hours', '-1 second') || '+02:00')",
          .text(queue))
      },
      claim: { connection, queue in
        try id(
          connection,
          "UPDATE goqite SET timeout = strftime('%Y-%m-%dT%H:%M:%f', 'now', '+2 hours', '+5 seconds') || '+02:00', received = received + 1 WHERE id = (SELECT id FROM goqite WHERE queue = ?1 AND strftime('%Y-%m-%dT%H:%M:%f', 'now', '+2 hours') || '+02:00' >= timeout AND received < 3 ORDER BY created LIMIT 1) RETURNING rowid",
          queue)
      },
      finish: { connection, job in
        // A worker that takes long extends its time first, which is no claim.
        try connection.execute(
          "UPDATE goqite SET timeout = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+9 seconds') WHERE rowid = ?1",
          .integer(job))
        guard connection.changes == 1 else {
          throw MigrationError(.sqliteFailed, "the time was not extended")
        }
        try connection.execute("DELETE FROM goqite WHERE rowid = ?1", .integer(job))
      }),
    QueueCase(
      kind: .djangoTasks,
      schema: """
        CREATE TABLE "django_tasks_database_dbtaskresult" ("id" char(32) NOT NULL PRIMARY KEY, "priority" integer NOT NULL, "queue_name" varchar(32) NOT NULL, "run_after" datetime NOT NULL, "enqueued_at" datetime NOT NULL, "finished_at" datetime NULL, "started_at" datetime NULL, "worker_ids" text NOT NULL, "status" varchar(10) NOT NULL);
        CREATE INDEX "tasks_db_new_ordering_idx" ON "django_tasks_database_dbtaskresult" ("status", "priority" DESC, "run_after", "enqueued_at") WHERE "status" = 'READY';
        """,
      produce: { connection, queue in
        try connection.execute(
          "INSERT INTO django_tasks_database_dbtaskresult VALUES (hex(randomblob(16)), 0, ?1, '9999-01-01 00:00:00', '2026-01-31 12:00:00.123456', NULL, NULL, '[]', 'READY')",
          .text(queue))
      },
      claim: { connection, queue in
        let ready = try connection.rows(
          "SELECT rowid FROM django_tasks_database_dbtaskresult WHERE status = 'READY' AND (run_after = '9999-01-01 00:00:00' OR run_after <= datetime('now')) AND queue_name IN (?1) ORDER BY priority DESC, run_after, enqueued_at LIMIT 1",
          .text(queue))
        guard let job = ready.first?[0].integer else { return .none }
        do throws(SQLiteError) {
          try connection.execute(
            "UPDATE django_tasks_database_dbtaskresult SET status = 'RUNNING', started_at = '2026-01-31 12:00:01.123456', worker_ids = '[\"w\"]' WHERE rowid = ?1",
            .integer(job))
        } catch {
          // Any other error, and a claim that changed no row, end the worker.
          guard error.code.primary == .error, error.message.contains("is locked") else { throw error }
          return .locked
        }
        guard connection.changes == 1 else { throw MigrationError(.sqliteFailed, "the worker ends") }
        return .job(job)
      },
      finish: { connection, job in
        try connection.execute(
          "UPDATE django_tasks_database_dbtaskresult SET status = 'SUCCESSFUL', finished_at = '2026-01-31 12:00:02' WHERE rowid = ?1",
          .integer(job))
      }),
    QueueCase(
      kind: .huey,
      schema: """
        CREATE TABLE task (id INTEGER NOT NULL PRIMARY KEY, queue TEXT NOT NULL, data BLOB NOT NULL, priority REAL NOT NULL DEFAULT 0.0);
        CREATE INDEX task_queue_priority_id ON task (queue, priority DESC, id);
        """,
      produce: { connection, queue in
        try connection.execute("INSERT INTO task (queue, data, priority) VALUES (?1, x'00', 0)", .text(queue))
      },
      claim: { connection, queue in
        let rows = try connection.rows(
          "SELECT id, data FROM task WHERE queue = ?1 ORDER BY priority DESC, id LIMIT 1", .text(queue))
        guard let job = rows.first?[0].integer else { return .none }
        try connection.execute("DELETE FROM task WHERE id = ?1", .integer(job))
        return connection.changes == 1 ? .job(job) : .none
      },
      finish: { _, _ in }),
    QueueCase(
      kind: .litejob,
      schema: """
        CREATE TABLE queue (id TEXT PRIMARY KEY DEFAULT (hex(randomblob(32))) NOT NULL ON CONFLICT REPLACE, name TEXT DEFAULT ('default') NOT NULL ON CONFLICT REPLACE, fire_at INTEGER NOT NULL ON CONFLICT REPLACE, value TEXT, created_at INTEGER NOT NULL ON CONFLICT REPLACE) WITHOUT ROWID;
        CREATE INDEX idx_queue_by_name ON queue (name, fire_at ASC);
        """,
      produce: { connection, queue in
        try connection.execute(
          "INSERT INTO queue (id, name, fire_at, value, created_at) VALUES (hex(randomblob(32)), ?1, 1769860800, '7', 1769860800)",
          .text(queue))
      },
      claim: { connection, queue in
        let rows = try connection.rows(
          "DELETE FROM queue WHERE (name, fire_at, id) IN (SELECT name, fire_at, id FROM queue WHERE name = ifnull(?1, 'default') AND fire_at <= CAST(strftime('%s', 'now') AS INTEGER) ORDER BY fire_at ASC LIMIT ifnull(?2, 1)) RETURNING id, value",
          .text(queue), .integer(1))
        return rows.isEmpty ? .none : .job(Int64(rows[0][1].text ?? "") ?? 0)
      },
      finish: { _, _ in }),
  ]
}
