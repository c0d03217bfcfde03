internal import PhaseDB

/// How a command ended, for the shell that started it.
enum ExitCode: Int32, Sendable, CaseIterable {
  case done = 0
  case findings = 1
  case refused = 2
  case undone = 3
  case partWay = 4
  case busy = 5
  /// EX_USAGE of sysexits.h.
  case usage = 64

  init(_ standing: MigrationError.Standing) {
    switch standing {
    case .unchanged: self = .refused
    case .undone: self = .undone
    case .partWay: self = .partWay
    case .busy: self = .busy
    }
  }

  var summary: String {
    switch self {
    case .done: "done, or nothing to do"
    case .findings: "findings"
    case .refused: "refused or failed before anything changed"
    case .undone: "failed and undone: schema and rows are as they were before the command"
    case .partWay: "stopped part-way: the state is recorded and the next command is printed"
    case .busy: "busy: timed out waiting for another runner or writer"
    case .usage: "the command line is wrong"
    }
  }
}
