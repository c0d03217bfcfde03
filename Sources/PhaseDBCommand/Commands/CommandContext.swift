internal import Foundation
internal import PhaseDB

/// What a command works with: the parsed command line, and where output goes.
struct CommandContext {
  let invocation: Invocation
  let environment: [String: String]
  let terminal: Terminal
  let output: Output
  let errors: Output
  let cancellation: Cancellation

  /// The same with the output going to a file, which has no width and, unless it is asked for, no colours.
  func printing(to output: Output) -> CommandContext {
    CommandContext(
      invocation: invocation, environment: environment,
      terminal: Terminal(
        isOutputTerminal: false, isErrorTerminal: terminal.isErrorTerminal, columns: terminal.width,
        environment: [:]),
      output: output, errors: errors, cancellation: cancellation)
  }

  var isJSON: Bool { invocation.format == .json }
  var isQuiet: Bool { invocation.flag(.quiet) }
  var paint: Paint { terminal.outputPaint(invocation.color) }
  var width: Int? { terminal.outputWidth }

  /// Prints data for a person.
  func print(_ text: Prose) { output.write(text) }

  /// Prints a table for a person.
  func print(_ table: TextTable) { output.write(table.text(paint: paint, width: width)) }

  /// Prints a fact with its name, broken at words into the terminal.
  func print(_ name: Prose, _ fact: Prose, _ style: Style = .heading) {
    let label = paint(name, style) + .blank(max(1, Self.labelWidth - name.description.count))
    print(label, fact, indent: Self.labelWidth)
  }

  /// Prints a paragraph behind its label; further lines begin so many columns to the right.
  func print(_ label: Prose, _ text: Prose, indent: Int) {
    for line in Wrapped.paragraph(label, text, indent: indent, width: width) { output.line(line) }
  }

  /// The column at which facts begin.
  private static let labelWidth = 10

  /// Prints data for a program.
  func print(json payload: some Encodable) throws(MigrationError) {
    output.write(try JSONText.text(command: Verb.with(invocation.verb)?.name ?? "", payload))
  }

  /// Prints additional information for a person; nothing with `--quiet` or JSON.
  func say(_ line: Prose = "") {
    guard !isQuiet, !isJSON else { return }
    output.line(line)
  }

  /// Prints a paragraph of additional information; further lines begin so many columns to the right.
  func say(_ label: Prose, _ text: Prose, indent: Int) {
    for line in Wrapped.paragraph(label, text, indent: indent, width: width) { say(line) }
  }

  /// The command that usually comes next, on the database and the folder that this one was given: it works when it
  /// is pasted.
  ///
  /// - Parameter first: what has to be done by hand first.
  func suggest(_ command: Prose, after first: Prose = "") {
    let command = command + words(of: [.database, .migrations])
    let label: Prose = "\(paint("next:", .dim)) "
    guard !first.isEmpty else { return say(label + paint(command, .command)) }
    let whole: Prose = "next: \(first), then: \(command)"
    guard let width, whole.description.displayWidth > width else {
      return say("\(label)\(first), then: \(paint(command, .command))")
    }
    // The command stays on a line of its own, to be copied.
    for line in Wrapped.paragraph(label, "\(first),", indent: 6, width: width) { say(line) }
    say("      then: \(paint(command, .command))")
  }

  /// Advice that ends with a command, on the database and the folder that this one was given.
  func advice(_ line: Prose) -> Prose {
    guard let start = line.description.range(of: ": phasedb ", options: .backwards) else { return line }
    return line + words(for: line.description[start.upperBound...], [.database, .migrations])
  }

  /// A command on the folder, and the database, that this one was given.
  func completed(_ command: Prose, onDatabase: Bool = true) -> Prose {
    guard command.hasPrefix("phasedb ") else { return command }
    return command
      + words(for: command.description.dropFirst(8), onDatabase ? [.database, .migrations] : [.migrations])
  }

  /// What is to be added to a command: of these options, those that its verb reads.
  private func words(for command: Substring, _ options: [ArgumentID]) -> Prose {
    let command = command.split(separator: " ")
    // What stands behind -- belongs to another program.
    guard !command.contains("--"),
      let verb = Verb.table.first(where: { verb in command.starts(with: verb.path) { $0 == $1 } })
    else { return "" }
    return words(of: verb.options.filter { options.contains($0) })
  }

  /// Options of this command line, with their values, as words for the next one.
  func words(of ids: [ArgumentID]) -> Prose {
    ids.compactMap(Option.named).flatMap { option in
      invocation.values(option.id).map { value in
        " \(option.short.map { "-\($0)" } ?? "--\(option.long)") \(ShellWord(value))"
      }
    }.joined()
  }

  /// Prints something that is neither data nor an error.
  ///
  /// - Parameter always: also with `--quiet`, because somebody has to act.
  func note(_ line: Prose, always: Bool = false) {
    guard always || !isQuiet else { return }
    guard !isJSON else { return tell(MessageJSON(event: "note", message: line), always: always) }
    let label: Prose = "\(terminal.errorPaint(invocation.color)("note:", .warning)) "
    for line in Wrapped.paragraph(label, line, indent: 6, width: terminal.errorWidth) { errors.line(line) }
  }

  /// A bar on standard error.
  var progressBar: ProgressBar {
    ProgressBar(errors, paint: terminal.errorPaint(invocation.color), width: terminal.errorWidth)
  }

  /// Prints an event for a program, on one line.
  ///
  /// - Parameter always: also with `--quiet`.
  func tell(_ payload: some Encodable, always: Bool = false) {
    guard always || !isQuiet,
      let text = try? JSONText.line(command: Verb.with(invocation.verb)?.name ?? "", payload)
    else { return }
    errors.write(text)
  }

  /// Reports the progress of something that takes long.
  func progress(_ line: Prose) {
    guard !isQuiet else { return }
    guard !isJSON else { return tell(MessageJSON(event: "step", message: line)) }
    errors.line(terminal.errorPaint(invocation.color)(line, .dim))
  }

  func report(_ error: MigrationError) {
    var error = error
    error.help = error.help.map(advice)
    if isJSON,
      let text = try? JSONText.line(command: Verb.with(invocation.verb)?.name ?? "", ErrorJSON(error))
    {
      errors.write(text)
    } else {
      errors.write(
        ErrorText(error).text(paint: terminal.errorPaint(invocation.color), width: terminal.errorWidth))
    }
  }
}

extension CommandContext {
  /// Names the tables of other migration tools.
  func say(leftOut otherTools: [OtherTool]) {
    guard !otherTools.isEmpty else { return }
    say("left alone: \(otherTools.map { "\($0.table) (\($0.tool))" }.joined(separator: ", "))")
  }

  /// Prints which versions should not be live, why, and what ends it.
  func print(_ misfits: [LiveMisfit]) {
    for misfit in misfits {
      print("\(paint("warning:", .bad)) ", misfit.message, indent: 9)
      for cause in misfit.causes { print("  ", cause, indent: 4) }
      for (index, remedy) in misfit.remedies.enumerated() {
        print(index == 0 ? "  to fix it: " : .blank(13), advice(remedy), indent: 13)
      }
    }
  }
}
