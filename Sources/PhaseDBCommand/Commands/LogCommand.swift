internal import PhaseDB

/// `phasedb log`: who did what when.
enum LogCommand {
  /// The row of the table that parser, help and completions read.
  static let verb = Verb(
    .log, "log",
    summary: "show who did what, and when",
    positionals: [Positional(.entry, .number, optional: true, "the only entry to show, with its hash")],
    options: [.limit, .check, .wait, .database, .migrations, .format],
    wording: [.check: "check the hash chain; exit with 1 when it is broken"],
    examples: [
      .init("phasedb log --limit 10", "show the last ten entries"),
      .init("phasedb log 7", "show everything about entry 7"),
      .init("phasedb log --check", "check the hash chain"),
    ],
    exitCodes: [.done, .findings, .refused, .busy, .usage])

  static func run(_ context: CommandContext) throws(MigrationError) -> ExitCode {
    let migrator = try Location(context, reading: .none).migrator(.reading, context)
    let isCheck = context.invocation.flag(.check)
    let broken = isCheck ? try migrator.brokenLogEntries() : []
    var entries = try migrator.log(limit: context.invocation.number(.limit))
    if let number = context.invocation.number(.entry) {
      guard let entry = entries.first(where: { $0.id == Int64(number) }) else {
        throw MigrationError(
          .unknownEntry, "the log has no entry \(number)",
          help: [entries.last.map { "the last one is \($0.id)" } ?? "it is empty"])
      }
      entries = [entry]
    }
    if context.isJSON {
      try context.print(
        json: LogJSON(entries: entries.map(LogJSON.EntryJSON.init), broken: isCheck ? broken.map(\.id) : nil))
    } else {
      if context.invocation.number(.entry) != nil {
        for entry in entries { print(entry, to: context) }
      } else {
        print(entries, to: context)
      }
      if isCheck { conclude(broken, entries: entries, to: context) }
    }
    return broken.isEmpty ? .done : .findings
  }

  private static func print(_ entries: [LogEntry], to context: CommandContext) {
    guard !entries.isEmpty else { return context.say("the log is empty") }
    var table = TextTable(
      .init("entry", .right), .init("when"), .init("by", dropped: 1), .init("did"), .init("to"),
      .init("detail"),
      overflow: .isCut)
    for entry in entries {
      let phase = try? PhaseID(entry.subject)
      table.add(
        .init(String(entry.id)), .init(entry.at.minute), .init("\(entry.who)@\(entry.host)"),
        .init(entry.action), .init(phase?.short ?? entry.subject), .init(entry.detailWithoutHashes))
    }
    context.print(table)
  }

  private static func print(_ entry: LogEntry, to context: CommandContext) {
    context.print("entry", Prose(entry.id))
    context.print("when", Prose(entry.at))
    context.print("by", "\(entry.who)@\(entry.host)")
    context.print("did", "\(entry.action) \(entry.subject)")
    for part in entry.detail.split(separator: ", ") { context.print("", Prose(part)) }
    context.print("hash", Prose(entry.hash))
  }

  private static func conclude(_ broken: [LogEntry], entries: [LogEntry], to context: CommandContext) {
    guard !broken.isEmpty else {
      let older = entries.filter { !$0.coversSchemaVersion }.count
      let limits =
        older == 0
        ? "" : "; \(older) of \(entries.count) entries have older hashes, which do not cover schema_version"
      return context.say(context.paint("the hash chain is intact\(limits)", .good))
    }
    let numbers = broken.map { String($0.id) }.joined(separator: ", ")
    context.print(
      context.paint(
        "the hash chain is broken at entry \(numbers): it was changed, or an entry before it was removed\n",
        .bad))
  }
}

/// The log as `--format json` prints it.
private struct LogJSON: Encodable {
  let entries: [EntryJSON]
  /// Entries whose hash is wrong; absent unless `--check` asked.
  let broken: [Int64]?

  struct EntryJSON: Encodable {
    let entry: Int64
    let at: String
    let who: String
    let host: String
    let action: String
    let subject: String
    let detail: String
    let hash: String

    init(_ entry: LogEntry) {
      self.entry = entry.id
      at = entry.at.text
      who = entry.who
      host = entry.host
      action = entry.action
      subject = entry.subject
      detail = entry.detail
      hash = entry.hash
    }
  }
}
