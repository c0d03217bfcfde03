internal import PhaseDB

/// The pictures of a report. Each also has its numbers as a table, and says where they come from.
struct ReportFigures {
  private let readiness: Readiness
  private var subjects: [Readiness.Subject] { readiness.subjects }

  /// The most phases that a picture shows: more could not be read.
  private static let most = 12
  /// Where bars begin, and where they end.
  private static let left = 118.0
  private static let right = 390.0

  init(_ readiness: Readiness) { self.readiness = readiness }

  var all: [(figure: Page.Figure, source: Prose)] {
    guard !subjects.isEmpty else { return [] }
    return [timeToSafe, bands, timeline, bars, archives].compactMap(\.self)
  }

  private static func time(_ milliseconds: Double) -> Prose {
    "\(TimeText.text(.milliseconds(milliseconds)))"
  }

  private static func time(_ least: Double, _ most: Double) -> Prose {
    let (low, high) = (time(least), time(most))
    return low == high ? high : "\(low) to \(high)"
  }

  /// Says how many phases are left out.
  private static func rest(_ count: Int) -> Prose {
    count > most ? " The first \(most) of \(CountText.text(count)) are shown." : ""
  }

  // MARK: - Time to safe

  private var timeToSafe: (Page.Figure, Prose)? {
    // Phases with the most facts come first, and among them the longest.
    let sorted = subjects.enumerated().sorted { left, right in
      let (one, two) = (left.element.toSafe, right.element.toSafe)
      let known = (Self.known(one), Self.known(two))
      return known.0 != known.1
        ? known.0 > known.1 : (Self.drawn(one), right.offset) > (Self.drawn(two), left.offset)
    }.map(\.element)
    let shown = Array(sorted.prefix(Self.most))
    let scale = (Self.right - Self.left) / max(1, shown.map { Self.drawn($0.toSafe) }.max() ?? 1)
    var drawing = Drawing(height: Double(shown.count) * 24 + 52)
    var table = Page.Table(
      .init("Phase"), .init("Detect"), .init("Decide"), .init("Close"), .init("Down"), .init("Time to safe"))
    for (index, subject) in shown.enumerated() {
      let (y, safe) = (Double(index) * 24 + 8, subject.toSafe)
      drawing.text(x: 0, y: y + 12, Prose(subject.id.short), room: Self.left - 8)
      var x = Self.left
      func part(_ time: Double?, _ shade: Drawing.Shade) {
        guard let time else {
          // An unknown duration has no length.
          drawing.bar(x: x, y: y, width: 14, height: 15, .hollow)
          drawing.text(x: x + 7, y: y + 12, "?", anchor: .middle)
          x += 16
          return
        }
        guard time > 0 else { return }
        let width = max(2, time * scale * 0.8)
        drawing.bar(x: x, y: y, width: width, height: 15, shade)
        x += width + 1
      }
      part(safe.detect, .dark)
      part(safe.decide, .light)
      part(safe.close, .light)
      part(safe.downMost, .middle)
      let total: Prose = safe.least.flatMap { least in safe.most.map { Self.time(least, $0) } } ?? "unknown"
      drawing.text(x: x + 5, y: y + 12, total, room: Drawing.width - x - 5)
      table.rows.append([
        Page.Text(Prose(subject.id.short)), Self.cell(safe.detect),
        safe.decide == nil ? "a person" : "by itself",
        Self.cell(safe.close),
        safe.downLeast.flatMap { least in safe.downMost.map { Page.Text(Self.time(least, $0)) } }
          ?? "unknown",
        Page.Text(total),
      ])
    }
    legend(
      &drawing, y: Double(shown.count) * 24 + 22,
      [
        ("detect", .dark), ("close the switch", .light), ("down", .middle),
        ("not known, or up to a person", .hollow),
      ])
    return (
      Page.Figure(
        title: "Time to safe",
        description:
          "How long a fault lasts that a phase causes: detect, decide, close the switch, take it down. A part with a question mark is not known, or up to a person.\(Self.rest(subjects.count))",
        drawing: drawing, table: table),
      "settle and every of @watch times the failures of its probes; switchSettle; times of ways down in phasedb_log, phasedb_way_down and phasedb_evidence"
    )
  }

  private static func known(_ safe: Readiness.TimeToSafe) -> Int {
    [safe.detect, safe.decide, safe.downMost].count { $0 != nil }
  }

  private static func drawn(_ safe: Readiness.TimeToSafe) -> Double {
    [safe.detect, safe.decide, safe.close, safe.downMost].compactMap(\.self).reduce(0, +)
  }

  private static func cell(_ milliseconds: Double?) -> Page.Text {
    milliseconds.map { Page.Text(time($0)) } ?? "unknown"
  }

  /// Squares with their meaning, in as many lines as they need.
  private func legend(_ drawing: inout Drawing, y: Double, _ items: [(Prose, Drawing.Shade)]) {
    var (x, y) = (0.0, y)
    for (words, shade) in items {
      let width = Drawing.width(of: words) + 34
      if x + width > Drawing.width + 10 { (x, y) = (0, y + Drawing.line) }
      drawing.bar(x: x + 0.5, y: y - 10, width: 12, height: 11, shade)
      drawing.text(x: x + 18, y: y, words, isQuiet: true)
      x += width
    }
    drawing.height = max(drawing.height, y + 8)
  }

  // MARK: - Versions over states

  private var bands: (Page.Figure, Prose)? {
    let rows = readiness.bands.flatMap { band in band.rows.map { (band.application, $0) } }.suffix(14)
    let states = readiness.states
    guard !rows.isEmpty else { return nil }
    let several = readiness.bands.count > 1
    let step = (Drawing.width - Self.left - 4) / Double(states.count + 1)
    var drawing = Drawing(height: Double(rows.count) * 22 + 64)
    let bottom = Double(rows.count) * 22 + 20
    // The line of the present state is drawn first, behind everything.
    let here = Self.left + Double(readiness.appliedStates) * step
    drawing.line(x: here + step / 2, y: 16, toX: here + step / 2, toY: bottom, .edge)
    drawing.text(
      x: min(max(here + step / 2, Self.left + 16), Drawing.width - 16), y: 12, "now", anchor: .middle)
    var table = Page.Table(.init("Version"), .init("May run"), .init("Live now"))
    for (index, (application, row)) in rows.enumerated() {
      let y = Double(index) * 22 + 22
      let name: Prose = several ? "\(application) \(row.version)" : "\(row.version)"
      drawing.text(x: 0, y: y + 11, row.isLive ? "\(name) live" : name, room: Self.left - 8)
      var spans: [Prose] = []
      for run in Self.runs(row.mayRun) {
        drawing.bar(
          x: Self.left + Double(run.lowerBound) * step, y: y, width: Double(run.count) * step - 1,
          height: 14, row.isLive ? .dark : .middle)
        spans.append(span(run, states))
      }
      table.rows.append([
        "\(application) \(row.version)", spans.isEmpty ? "nowhere" : Page.Text(spans.joined(separator: "; ")),
        row.isLive ? "yes" : "",
      ])
    }
    // As many names as there is room for.
    let every = max(1, Int((26 / step).rounded(.up)))
    for index in stride(from: 0, to: states.count, by: every) {
      let x = Self.left + Double(index + 1) * step + step / 2
      drawing.text(x: x, y: bottom + 16, Self.brief(states[index]), anchor: .middle, isQuiet: true)
    }
    drawing.text(
      x: 0, y: bottom + 38, "after each phase, as 2e for 0002/expand; m is migrate, c contract", isQuiet: true
    )
    return (
      Page.Figure(
        title: "Which versions may run on which state",
        description:
          "Each bar is a version of an application over the states on which it may run. Where two bars overlap, both versions may be live, and the phases between go up and down without a deployment.",
        drawing: drawing, table: table),
      "the windows of all phases, in the ledger and in the folder; check-ins in phasedb_app"
    )
  }

  private static func brief(_ id: PhaseID) -> Prose { "\(id.migration.number)\(id.kind.rawValue.prefix(1))" }

  /// The stretches in which something holds.
  private static func runs(_ holds: [Bool]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (index, value) in holds.enumerated() where value {
      if let last = runs.last, last.upperBound == index {
        runs[runs.count - 1] = last.lowerBound..<(index + 1)
      } else {
        runs.append(index..<(index + 1))
      }
    }
    return runs
  }

  private func span(_ run: Range<Int>, _ states: [PhaseID]) -> Prose {
    let from: Prose =
      run.lowerBound == 0 ? "from the beginning" : "from \(states[run.lowerBound - 1].short) on"
    return run.upperBound > states.count ? from : "\(from) until \(states[run.upperBound - 1].short)"
  }

  // MARK: - Time line

  private var timeline: (Page.Figure, Prose)? {
    let shown = subjects.filter { $0.applied != nil || $0.wait != nil }
    guard let now = readiness.now.seconds, !shown.isEmpty else { return nil }
    let phases = Array(shown.suffix(Self.most))
    var times: [Int] = [now]
    for phase in phases {
      times += [
        phase.applied?.appliedAt.seconds, watchEnd(of: phase),
      ].compactMap(\.self)
      guard phase.applied == nil, let wait = phase.wait else { continue }
      let since = wait.since?.seconds ?? now
      times += [since, wait.ends?.seconds ?? since + Int(wait.lasts.components.seconds)]
    }
    guard let first = times.min(), let last = times.max() else { return nil }
    let width = Drawing.width - Self.left - 12
    func x(_ seconds: Int) -> Double {
      Self.left + 4 + width * Double(seconds - first) / Double(max(1, last - first))
    }
    var drawing = Drawing(height: Double(phases.count) * 24 + 70)
    let bottom = Double(phases.count) * 24 + 20
    drawing.line(x: x(now), y: 16, toX: x(now), toY: bottom, .edge)
    drawing.text(x: min(max(x(now), Self.left + 16), Drawing.width - 16), y: 12, "now", anchor: .middle)
    var table = Page.Table(.init("Phase"), .init("Applied"), .init("Watched until"), .init("Earliest"))
    for (index, phase) in phases.enumerated() {
      let y = Double(index) * 24 + 22
      drawing.text(x: 0, y: y + 12, Prose(phase.id.short), room: Self.left - 8)
      drawing.line(x: Self.left, y: y + 18, toX: Drawing.width, toY: y + 18)
      let applied = phase.applied?.appliedAt.seconds
      if let applied {
        if let end = watchEnd(of: phase) {
          drawing.bar(x: x(applied), y: y + 2, width: max(3, x(end) - x(applied)), height: 11, .light)
        }
        drawing.bar(x: x(applied) - 3, y: y, width: 6, height: 15, .dark)
      } else if let wait = phase.wait {
        let since = wait.since?.seconds ?? now
        let end = wait.ends?.seconds ?? now + Int(wait.lasts.components.seconds)
        drawing.bar(x: x(since), y: y + 2, width: max(3, x(end) - x(since)), height: 11, .hollow)
      }
      let earliest: Prose = phase.applied == nil ? phase.wait.map(Self.words) ?? "" : ""
      table.rows.append([
        Page.Text(Prose(phase.id.short)), Page.Text(Prose(phase.applied?.appliedAt.minute ?? "")),
        Page.Text(Prose(watchEnd(of: phase).map { Timestamp(seconds: $0).minute } ?? "")),
        Page.Text(earliest),
      ])
    }
    drawing.text(x: Self.left, y: bottom + 14, Prose(Timestamp(seconds: first).minute), isQuiet: true)
    if last > first {
      drawing.text(
        x: Drawing.width - 2, y: bottom + 14, Prose(Timestamp(seconds: last).minute), anchor: .end,
        isQuiet: true)
    }
    legend(
      &drawing, y: bottom + 38,
      [("went up", .dark), ("watched", .light), ("waits for its soak or its switch", .hollow)])
    return (
      Page.Figure(
        title: "Time line",
        description:
          "When phases went up, how long they are watched, and when a contract may follow at the earliest.\(shown.count > Self.most ? " The last \(Self.most) of \(CountText.text(shown.count)) are shown." : "")",
        drawing: drawing, table: table),
      "phasedb_phase and phasedb_watch; @watch, @soak and @switch of the phases"
    )
  }

  private static func words(_ wait: Readiness.Wait) -> Prose {
    wait.ends.map { "\($0.minute)" }
      ?? "\(TimeText.text(wait.lasts)) after the phase before it is up, or its switch fully on"
  }

  private func watchEnd(of phase: Readiness.Subject) -> Int? {
    guard let watch = phase.text.watch, let since = phase.applied?.appliedAt.seconds else { return nil }
    return since + Int((watch.settle + watch.duration).components.seconds)
  }

  // MARK: - Up, down, hold

  private var bars: (Page.Figure, Prose)? {
    let timed = subjects.filter { $0.times.up != nil || $0.times.downMost != nil }
    guard !timed.isEmpty else { return nil }
    let shown = Array(timed.prefix(Self.most))
    func longest(_ subject: Readiness.Subject) -> Double {
      let budget = subject.text.budget
      return [
        subject.times.up, subject.times.downMost, subject.times.hold, budget?.up?.milliseconds,
        budget?.down?.milliseconds, budget?.hold?.milliseconds,
      ].compactMap(\.self).max() ?? 0
    }
    let scale = (320 - Self.left) / max(1, shown.map(longest).max() ?? 1)
    var drawing = Drawing(height: Double(shown.count) * 52 + 34)
    var table = Page.Table(
      .init("Phase"), .init("Up"), .init("Down"), .init("Longest hold"), .init("Budget"))
    for (index, subject) in shown.enumerated() {
      let y = Double(index) * 52 + 4
      drawing.text(x: 0, y: y + 22, Prose(subject.id.short), room: Self.left - 8)
      let times = subject.times
      let budget = subject.text.budget
      let lines: [(Double?, Prose?, Drawing.Shade, Duration?)] = [
        (times.up, times.up.map(Self.time), .light, budget?.up),
        (
          times.downMost,
          times.downLeast.flatMap { least in times.downMost.map { Self.time(least, $0) } }, .dark,
          budget?.down
        ), (times.hold, times.hold.map(Self.time), .middle, budget?.hold),
      ]
      for (number, (time, words, shade, limit)) in lines.enumerated() {
        guard let time, let words else { continue }
        let top = y + Double(number) * 15
        let width = max(2, time * scale)
        drawing.bar(x: Self.left, y: top, width: width, height: 10, shade)
        if let limit {
          let x = Self.left + limit.milliseconds * scale
          drawing.line(x: x, y: top - 1, toX: x, toY: top + 11, .edge)
        }
        let end = max(width, limit.map { $0.milliseconds * scale } ?? 0)
        drawing.text(
          x: Self.left + end + 5, y: top + 10, words, room: Drawing.width - Self.left - end - 5, isQuiet: true
        )
      }
      table.rows.append([
        Page.Text(Prose(subject.id.short)), Self.cell(times.up), Page.Text(lines[1].1 ?? "unknown"),
        Self.cell(times.hold), Page.Text(Self.words(budget)),
      ])
    }
    legend(
      &drawing, y: Double(shown.count) * 52 + 20,
      [("up", .light), ("down", .dark), ("longest hold of the lock", .middle)])
    return (
      Page.Figure(
        title: "Up, down and the longest hold",
        description:
          "How long each phase takes up and down, and for how long it holds the write lock at most. An upright line is its budget.\(Self.rest(timed.count))",
        drawing: drawing, table: table),
      "rehearsals in phasedb_evidence and phasedb_way_down, or what was measured in phasedb_phase and phasedb_log; @budget"
    )
  }

  private static func words(_ budget: Budget?) -> Prose {
    let limits: [(Prose, Duration?)] = [("up", budget?.up), ("down", budget?.down), ("hold", budget?.hold)]
    let words = limits.compactMap { name, limit -> Prose? in
      guard let limit else { return nil }
      return "\(name) \(TimeText.text(limit))"
    }
    return words.joined(separator: ", ")
  }

  // MARK: - Archives

  private struct ArchiveSizes {
    let phase: Prose
    let kept: Int
    let coming: Int
    let rows: Int

    init(_ subject: Readiness.Subject) {
      phase = Prose(subject.id.short)
      kept = subject.kept.reduce(0) { $0 + ($1.bytes ?? 0) }
      coming = subject.archiveForecast ?? 0
      rows = subject.kept.reduce(0) { $0 + $1.rows }
    }

    static func text(_ bytes: Int) -> Prose { "\(CountText.bytes(Int64(bytes)))" }
    /// Values archived in a table of the application have no size of their own.
    var rowText: Prose { "\(CountText.text(rows, "row"))" }
  }

  private var archives: (Page.Figure, Prose)? {
    let sizes = subjects.map(ArchiveSizes.init).filter { $0.kept > 0 || $0.coming > 0 || $0.rows > 0 }
    guard !sizes.isEmpty else { return nil }
    let shown = Array(sizes.prefix(Self.most))
    let total = shown.reduce(0) { $0 + $1.kept + $1.coming }
    let scale = (Self.right - Self.left) / Double(max(1, total))
    var drawing = Drawing(height: Double(shown.count) * 24 + 60)
    var table = Page.Table(
      .init("Phase"), .init("Kept now", isNumber: true), .init("To come", isNumber: true),
      .init("In all so far", isNumber: true))
    var sum = 0
    for (index, size) in shown.enumerated() {
      let y = Double(index) * 24 + 4
      drawing.text(x: 0, y: y + 12, size.phase, room: Self.left - 8)
      // Each begins where the one before it ended.
      let x = Self.left + Double(sum) * scale
      let width = max(size.kept > 0 ? 2 : 0, Double(size.kept) * scale)
      drawing.bar(x: x, y: y, width: width, height: 15, .dark)
      if size.coming > 0 {
        drawing.bar(x: x + width, y: y, width: max(2, Double(size.coming) * scale), height: 15, .hollow)
      }
      sum += size.kept + size.coming
      let isWithin = size.kept + size.coming == 0
      let words: Prose =
        isWithin ? "\(size.rowText), within tables" : ArchiveSizes.text(size.kept + size.coming)
      let end = Self.left + Double(sum) * scale
      drawing.text(x: end + 5, y: y + 12, words, room: Drawing.width - end - 5, isQuiet: true)
      table.rows.append([
        Page.Text(size.phase),
        Page.Text(size.kept == 0 && size.rows > 0 ? size.rowText : ArchiveSizes.text(size.kept)),
        Page.Text(size.coming == 0 ? "" : ArchiveSizes.text(size.coming)), Page.Text(ArchiveSizes.text(sum)),
      ])
    }
    let y = Double(shown.count) * 24 + 8
    drawing.line(x: Self.left, y: y, toX: Drawing.width, toY: y)
    drawing.text(x: 0, y: y + 16, "in all \(CountText.bytes(Int64(sum))) until it is purged")
    legend(&drawing, y: y + 38, [("kept now", .dark), ("to come, as rehearsed", .hollow)])
    return (
      Page.Figure(
        title: "What archives hold until they are purged",
        description:
          "How much the archives of each phase hold, one after the other. What a pending phase will archive is as much as its rehearsal measured.\(Self.rest(sizes.count))",
        drawing: drawing, table: table),
      "the tables phasedb_archive_N, and archive_bytes of phasedb_evidence"
    )
  }
}
