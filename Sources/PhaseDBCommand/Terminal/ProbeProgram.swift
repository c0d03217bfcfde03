internal import Dispatch
internal import PhaseDB
internal import Synchronization

/// Runs the commands of phasedb.json that a watch needs, without a shell.
struct ProbeProgram: Sendable {
  let words: [String]
  let environment: [String: String]
  let timeLimit: Duration

  /// Of what a program prints, only the end is kept: it may print without end.
  private static let mostBytes = 4_096
  /// The longest line that becomes a reason.
  private static let longestLine = 200

  /// A probe: exit code 0 passes, 1 fails, anything else tells nothing. The last line that it prints is its number, or the
  /// reason.
  func ask(givesNumber: Bool, isCancelled: () -> Bool) -> Probe.Reply {
    do throws(ChildProgram.Failure) {
      let (end, printed) = try run(isCancelled: isCancelled)
      let line = Self.lastLine(of: printed)
      switch end {
      case .exited(0) where givesNumber:
        if line.isEmpty { return .missing }
        guard let number = Double(line), number.isFinite else {
          return .unknown("its last line is no number: \(line)")
        }
        return .number(number)
      case .exited(0): return .passes
      case .exited(1): return .fails(line.isEmpty ? "exit code 1" : line)
      case .exited(let code): return .unknown("exit code \(code)\(line.isEmpty ? "" : ": \(line)")")
      case .signalled(let number): return .unknown("it was ended by signal \(number)")
      case .tookTooLong: return .unknown("it took longer than \(DurationText.print(timeLimit))")
      case .cancelled: return .unknown("stopped on request")
      }
    } catch {
      return .unknown("\(words[0]) cannot be run: \(error.message)")
    }
  }

  /// Hands a text to a program.
  ///
  /// - Returns: what went wrong; nil when it took it.
  func tell(_ text: String) -> Prose? {
    do {
      let pipe = try ChildProgram.Pipe()
      defer { pipe.reading.close() }
      // A pipe has room for a whole verdict (man 7 pipe), so the program need not read yet.
      try pipe.writing.write(Array(text.utf8.prefix(32_768)))
      pipe.writing.close()
      let (end, printed) = try run(from: pipe.reading) { false }
      if end == .exited(0) { return nil }
      let line = Self.lastLine(of: printed)
      return "\(words[0]) did not end well\(line.isEmpty ? "" : ": \(line)")"
    } catch let failure as ChildProgram.Failure {
      return "\(words[0]) cannot be run: \(failure.message)"
    } catch {
      return "\(words[0]) cannot be run: \(error)"
    }
  }

  private func run(
    from input: FileDescriptor? = nil, isCancelled: () -> Bool
  ) throws(ChildProgram.Failure) -> (ChildProgram.End, [UInt8]) {
    let pipe = try ChildProgram.Pipe()
    let printed = Mutex<[UInt8]>([])
    let reader = DispatchGroup()
    DispatchQueue.global().async(group: reader) {
      while true {
        let bytes = pipe.reading.read(upTo: 65_536)
        guard !bytes.isEmpty else { return }
        printed.withLock { $0 = Array(($0 + bytes).suffix(Self.mostBytes)) }
      }
    }
    defer { pipe.reading.close() }
    var program = ChildProgram(
      words: words, environment: environment, output: pipe.writing, timeLimit: timeLimit)
    program.input = input
    let end: ChildProgram.End
    do throws(ChildProgram.Failure) {
      defer { pipe.writing.close() }
      end = try program.run(isCancelled: isCancelled)
    } catch {
      reader.wait()
      throw error
    }
    // Everything that the program started is gone with it, so that this comes to an end.
    reader.wait()
    return (end, printed.withLock { $0 })
  }

  private static func lastLine(of bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).last { $0.contains { !$0.isWhitespace } } ?? ""
    let words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return words.count > longestLine ? "…" + words.suffix(longestLine) : words
  }
}
