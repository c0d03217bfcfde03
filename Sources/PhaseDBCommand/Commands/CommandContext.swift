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

  /// Suggests the command that usually comes next, with the database and the folder of this one, so that it can be
  /// pasted.
  ///
  /// - Parameter first: what to do by hand before it.
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

  /// Advice that ends with a command, with the database and the folder of this one.
  func advice(_ line: Prose) -> Prose {
    guard let start = line.description.range(of: ": phasedb ", options: .backwards) else { return line }
    let command = line.description[start.upperBound...]
    return line + (command == "down" ? wayDown : "") + words(for: command, [.database, .migrations])
  }

  /// How far the way down goes that this command plans, rehearses or runs, as words of a command line. A number is left out
  /// of a run: some of its phases may be down already.
  private var wayDown: Prose {
    switch invocation.verb {
    case .plan where invocation.value(.direction) == Direction.down.rawValue: targetWords(.down)
    case .rehearse where invocation.value(.phase) == RehearseCommand.down: targetWords(.down)
    case .down: (invocation.flag(.all) ? " --all" : "") + words(of: [.target, .live])
    default: ""
    }
  }

  /// A command with the folder, and the database, of this one.
  func completed(_ command: Prose, onDatabase: Bool = true) -> Prose {
    guard command.hasPrefix("phasedb ") else { return command }
    return command
      + words(for: command.description.dropFirst(8), onDatabase ? [.database, .migrations] : [.migrations])
  }

  /// The options to add to a command: those of the list that its verb reads.
  private func words(for command: Substring, _ options: [ArgumentID]) -> Prose {
    let command = command.split(separator: " ")
    // Words after -- belong to another program.
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

  /// Prints a note, which is neither data nor an error.
  ///
  /// - Parameter always: also with `--quiet`, because an action is required.
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

  /// Reports the progress of a long operation.
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

// MARK: - Output and arguments of several commands

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

  /// Prints what one line of `@effects` counts.
  func print(_ count: EffectCount) {
    print(
      "\(count.effect.audience.rawValue)", "\(count.sentence): \(count.effect.text)",
      count.rows == nil || count.total > 0 ? .warning : .heading)
    for remark in count.remarks { print("", remark) }
  }

  /// Prints what is kept of a phase until it is purged.
  func print(kept: [KeptData]) {
    for item in kept { print(item == kept.first ? "archive" : "", item.sentence) }
  }

  /// The phases that the arguments select.
  func selection(_ direction: Direction) -> Selection {
    switch direction {
    case .up:
      if let target = invocation.value(.target) { return .upTo(target) }
      return invocation.number(.count).map(Selection.up) ?? .upAll
    case .down:
      if invocation.flag(.all) { return .downAll }
      if let target = invocation.value(.target) { return .downTo(Selection.Target(target)) }
      return .down(invocation.number(.count) ?? 1)
    }
  }

  /// The same selection, on the same assumptions, as words of a command line.
  func targetWords(_ direction: Direction) -> Prose {
    let count: Prose = invocation.number(.count).map { " \($0)" } ?? ""
    let all: Prose = invocation.flag(.all) && direction == .down ? " --all" : ""
    return count + all
      + words(
        of: direction == .up
          ? [.target, .evidence, .live, .override, .reason] : [.target, .live, .override, .reason])
  }
}
