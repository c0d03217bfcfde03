/// Rules that the text of a phase alone decides.
enum TextRules {
  static func findings(_ catalog: Catalog) -> [Finding] {
    catalog.phases.compactMap { id, phase in
      guard phase.residuals == nil, id.kind != .expand else { return nil }
      return Finding(
        .undeclaredResidual, in: id, "nothing says what remains after down", at: phase.up.beginningOfFile,
        remedies: ["-- @residual none", "-- @residual customer: what they were told and cannot be untold"])
    }
  }
}

extension Script {
  /// The first line of the file the script stands in.
  var beginningOfFile: Place { Place(file: file, line: 1, column: 1) }
}
