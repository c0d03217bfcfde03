internal import PhaseSQL

/// The job queue libraries that phasedb knows by name: how their workers claim a job, and how to count jobs.
///
/// Each is written after the library's own SQL. A trigger can hold a queue only if its worker looks at what its claim
/// changed; a worker that selects a job, marks it, and runs it whatever the mark did cannot be held.
package enum LaneKind: String, Sendable, Hashable, CaseIterable {
  case solidQueue = "solid-queue"
  case river
  case obanLite = "oban-lite"
  case plainjob
  case litequeue
  case liteq
  case goqite
  case djangoTasks = "django-tasks"
  case huey
  case litejob

  /// The table of its jobs, if the name shows which library it is; nil for general names such as `task` and `queue`.
  var ownTable: String? {
    switch self {
    case .solidQueue: "solid_queue_jobs"
    case .river: "river_job"
    case .obanLite: "oban_jobs"
    case .plainjob: "plainjob_jobs"
    case .goqite: "goqite"
    case .djangoTasks: "django_tasks_database_dbtaskresult"
    case .litequeue, .liteq, .huey, .litejob: nil
    }
  }

  /// The queries for how many jobs are in flight, and how many wait. Their second column is the age of the oldest job
  /// in seconds.
  package struct Queries: Sendable, Hashable {
    /// Nil where a worker removes a job from the table when it takes it.
    package var busy: String?
    package var waiting: String
  }

  /// Why a kind without a claim cannot be held.
  static let whyNot: Prose =
    "its worker runs the job that it selected, whether or not it could mark it, so it would run jobs in secret"
  static let instead: Prose =
    "name commands that pause it: hold: [\"bin/queue\", \"pause\"], release: [\"bin/queue\", \"resume\"]"

  static func unknown(_ text: String) -> MigrationError {
    let known = allCases.map(\.rawValue)
    let nearest: Prose? = Suggestion.nearest(to: text, in: known).map { "did you mean '\($0)'?" }
    return MigrationError(
      .badSettings, "'\(text)' is not a kind of lane",
      help: [
        nearest, "the kinds are \(known.joined(separator: ", "))",
        "for any other queue, write claim, busy and waiting",
      ].compactMap(\.self))
  }

  /// How a worker claims a job; nil where a trigger cannot stop the job from running.
  ///
  /// - Parameter queue: nil for every queue.
  package func claim(queue: String?) -> LaneClaim? {
    let own = { (column: String) in queue.map { " AND \(column) = \(SQLText.literal($0))" } ?? "" }
    let text: String
    switch self {
    case .solidQueue:
      text =
        "INSERT ON solid_queue_claimed_executions"
        + (queue.map {
          " WHEN (SELECT queue_name FROM solid_queue_ready_executions WHERE job_id = NEW.job_id) = \(SQLText.literal($0))"
        } ?? "")
    case .river:
      text =
        "UPDATE OF state ON river_job WHEN NEW.state = 'running' AND OLD.state = 'available'"
        + own("NEW.queue")
    case .obanLite:
      text =
        "UPDATE OF state ON oban_jobs WHEN NEW.state = 'executing' AND OLD.state = 'available'"
        + own("NEW.queue")
    case .plainjob: return nil
    case .litequeue:
      let table = SQLText.identifier(queue ?? "Queue")
      text = "UPDATE OF status ON \(table) WHEN NEW.status = 1 AND OLD.status = 0"
    case .liteq:
      text =
        "UPDATE OF status ON tasks WHEN NEW.status = 'running' AND OLD.status = 'pending'" + own("NEW.queue")
    case .goqite:
      text = "UPDATE OF received ON goqite WHEN NEW.received > OLD.received" + own("NEW.queue")
    case .djangoTasks:
      text =
        "UPDATE OF status ON django_tasks_database_dbtaskresult WHEN NEW.status = 'RUNNING' AND OLD.status = 'READY'"
        + own("NEW.queue_name")
    case .huey: text = "DELETE ON task" + (queue.map { " WHEN OLD.queue = \(SQLText.literal($0))" } ?? "")
    case .litejob:
      text =
        "DELETE ON queue WHEN OLD.name " + (queue.map { "= \(SQLText.literal($0))" } ?? "<> '_dead'")
    }
    // Its worker treats a missing row as an error. When the database is locked, it asks again.
    return try? LaneClaim(text, self == .djangoTasks ? .locked : .ignored)
  }

  /// The queries that count jobs in flight and waiting jobs.
  ///
  /// - Parameter queue: nil for every queue.
  package func queries(queue: String?) -> Queries {
    let own = { (column: String) in queue.map { " AND \(column) = \(SQLText.literal($0))" } ?? "" }
    switch self {
    case .solidQueue:
      return Queries(
        busy:
          "SELECT count(*), \(Self.age("c.created_at")) FROM solid_queue_claimed_executions c JOIN solid_queue_jobs j ON j.id = c.job_id WHERE 1\(own("j.queue_name"))",
        waiting:
          "SELECT (SELECT count(*) FROM solid_queue_ready_executions WHERE 1\(own("queue_name"))) + (SELECT count(*) FROM solid_queue_blocked_executions WHERE 1\(own("queue_name")))"
      )
    case .river:
      return Queries(
        busy:
          "SELECT count(*), \(Self.age("attempted_at")) FROM river_job WHERE state = 'running'\(own("queue"))",
        waiting:
          "SELECT count(*), \(Self.age("scheduled_at")) FROM river_job WHERE state = 'available'\(own("queue"))"
      )
    case .obanLite:
      return Queries(
        busy:
          "SELECT count(*), \(Self.age("attempted_at")) FROM oban_jobs WHERE state = 'executing'\(own("queue"))",
        waiting:
          "SELECT count(*), \(Self.age("scheduled_at")) FROM oban_jobs WHERE state = 'available'\(own("queue"))"
      )
    case .plainjob:
      return Queries(
        busy: "SELECT count(*) FROM plainjob_jobs WHERE status = 1\(own("type"))",
        waiting:
          "SELECT count(*) FROM plainjob_jobs WHERE status = 0 AND coalesce(next_run_at, 0) <= \(Self.now) * 1000\(own("type"))"
      )
    case .litequeue:
      let table = SQLText.identifier(queue ?? "Queue")
      return Queries(
        busy: "SELECT count(*), \(Self.now) - min(lock_time) / 1000000000 FROM \(table) WHERE status = 1",
        waiting: "SELECT count(*), \(Self.now) - min(in_time) / 1000000000 FROM \(table) WHERE status = 0")
    case .liteq:
      return Queries(
        busy: "SELECT count(*), \(Self.age("started_at")) FROM tasks WHERE status = 'running'\(own("queue"))",
        waiting:
          "SELECT count(*), \(Self.age("run_at")) FROM tasks WHERE status = 'pending' AND run_at <= CURRENT_TIMESTAMP\(own("queue"))"
      )
    case .goqite:
      return Queries(
        busy:
          "SELECT count(*) FROM goqite WHERE received > 0 AND julianday(timeout) > julianday('now')\(own("queue"))",
        waiting:
          "SELECT count(*), \(Self.age("timeout")) FROM goqite WHERE received < 3 AND julianday(timeout) <= julianday('now')\(own("queue"))"
      )
    case .djangoTasks:
      return Queries(
        busy:
          "SELECT count(*), \(Self.age("started_at")) FROM django_tasks_database_dbtaskresult WHERE status = 'RUNNING'\(own("queue_name"))",
        waiting:
          "SELECT count(*), \(Self.age("enqueued_at")) FROM django_tasks_database_dbtaskresult WHERE status = 'READY' AND (run_after <= datetime('now') OR run_after >= '9999')\(own("queue_name"))"
      )
    case .huey:
      return Queries(busy: nil, waiting: "SELECT count(*) FROM task WHERE 1\(own("queue"))")
    case .litejob:
      return Queries(
        busy: nil,
        waiting:
          "SELECT count(*), \(Self.now) - min(fire_at) FROM queue WHERE fire_at <= \(Self.now)"
          + (queue.map { " AND name = \(SQLText.literal($0))" } ?? " AND name <> '_dead'"))
    }
  }

  private static let now = "CAST(strftime('%s', 'now') AS INTEGER)"

  /// How many seconds ago the earliest of these moments was.
  private static func age(_ column: String) -> String {
    "\(now) - CAST(strftime('%s', min(\(column))) AS INTEGER)"
  }
}
