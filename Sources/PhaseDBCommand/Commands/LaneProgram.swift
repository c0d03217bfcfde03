internal import PhaseDB

/// A lane of phasedb.json, whose programs are run without a shell.
struct LaneProgram {
  private let settings: LaneSettings
  private let environment: [String: String]

  init(_ settings: LaneSettings, _ environment: [String: String]) {
    (self.settings, self.environment) = (settings, environment)
  }

  func lane() throws(MigrationError) -> Lane {
    let kind = settings.kind?.queries(queue: settings.queue)
    let busy = look(settings.busy) ?? kind?.busy.map { .query($0) }
    let waiting = look(settings.waiting) ?? (kind?.waiting).map { .query($0) }
    let file = try settings.database.map { text throws(MigrationError) in try DatabaseAddress(text).path }
    let pause = settings.wait ?? .zero
    if let hold = settings.hold, let release = settings.release {
      return Lane(
        hold: .acts(hold: act(hold), release: act(release)), busy: busy, waiting: waiting, pause: pause,
        file: file)
    }
    if let claim = settings.claim {
      return Lane(
        hold: .trigger(try LaneClaim(claim)), busy: busy, waiting: waiting, pause: pause, file: file)
    }
    return try Lane(
      kind: settings.kind?.rawValue ?? "", queue: settings.queue, pause: pause, file: file
    ).looking(busy: busy, waiting: waiting)
  }

  private func program(_ words: [String]) -> ProbeProgram {
    ProbeProgram(words: words, environment: environment, timeLimit: settings.timeout)
  }

  private func act(_ words: [String]) -> Lane.Act {
    let program = program(words)
    return { isCancelled in
      switch program.ask(givesNumber: false, isCancelled: isCancelled) {
      case .passes, .number, .missing: nil
      case .fails(let why), .unknown(let why): "\(words.joined(separator: " ")): \(why)"
      }
    }
  }

  private func look(_ look: LaneSettings.Look?) -> Lane.Look? {
    switch look {
    case nil: return nil
    case .query(let sql): return .query(sql)
    case .command(let words):
      let program = program(words)
      return .answer { isCancelled in
        switch program.ask(givesNumber: true, isCancelled: isCancelled) {
        case .number(let number):
          guard let jobs = Int(exactly: number.rounded()) else {
            throw Uncounted("\(number) is no number of jobs")
          }
          return (jobs, nil)
        case .missing, .passes: throw Uncounted("\(words.joined(separator: " ")) printed no number")
        case .fails(let why), .unknown(let why): throw Uncounted("\(words.joined(separator: " ")): \(why)")
        }
      }
    }
  }

  /// Why a program did not count jobs.
  private struct Uncounted: Error, CustomStringConvertible {
    let description: String

    init(_ why: String) { description = why }
  }
}
