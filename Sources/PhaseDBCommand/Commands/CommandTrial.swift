internal import PhaseCompat
internal import PhaseDB

/// The tests of an application, to be run on each state.
struct CommandTrial: Sendable {
  let version: LiveVersion
  /// The command and its arguments.
  let words: [String]
  let environment: [String: String]
  let timeLimit: Duration
  /// Where its output goes.
  let logs: LogFolder
  let cancellation: Cancellation

  /// The result on one state.
  struct Result: Sendable {
    let state: CompatibilityState
    let end: ChildProgram.End
    let schemaChanged: Bool
    /// Whether the command read the database that it was given; nil when that is unknown.
    let opened: Bool?
    let log: String
    let took: Duration

    var isGood: Bool { end == .exited(0) && !schemaChanged && opened != false }

    /// Whether the tests passed without reading the database: such tests would pass on every state.
    var isBlind: Bool { end == .exited(0) && opened == false }

    /// One sentence, nil when all is well.
    var trouble: Prose? {
      switch end {
      case .exited(0) where schemaChanged: "the command changed the schema, so it ran on another state"
      case .exited(0): opened == false ? "the command never read the database it was given" : nil
      case .exited(let code): "exit code \(code)"
      case .signalled(let number): "ended by signal \(number)"
      case .tookTooLong: "took longer than its time limit"
      case .cancelled: "stopped on request"
      }
    }
  }

  func run(on file: StateFile) throws(MigrationError) -> Result {
    let name = Self.logName(of: file)
    let output = try logs.makeFile(name)
    defer { output.close() }
    let log = Location.joined(logs.path, name)
    var environment = environment
    environment["PHASEDB_DATABASE"] = file.path
    environment["PHASEDB_STATE"] = file.state.description
    environment["PHASEDB_APP"] = "\(version.application)@\(version.version)"
    let program = ChildProgram(words: words, environment: environment, output: output, timeLimit: timeLimit)
    let watch = OpenWatch(file.path)
    let began = ContinuousClock.now
    do {
      let end = try program.run { cancellation.isRequested }
      let took = ContinuousClock.now - began
      let opened = watch.wasOpened()
      let isCut = end == .cancelled || end == .tookTooLong
      return Result(
        state: file.state, end: end, schemaChanged: isCut ? false : try file.schemaChanged(),
        opened: opened, log: log, took: took)
    } catch let failure as ChildProgram.Failure {
      throw MigrationError(
        .queryFailed, "cannot run \(words[0]): \(failure.message)", help: ["check the command behind --"])
    } catch let error as MigrationError {
      throw error
    } catch {
      throw MigrationError(.queryFailed, "\(error)")
    }
  }

  /// A state's name as that of a file.
  static func logName(of file: StateFile) -> String {
    let words = String(file.state.description.map { $0.isLetter || $0.isNumber ? $0 : "-" })
    return words.split(separator: "-").joined(separator: "-") + ".txt"
  }
}
