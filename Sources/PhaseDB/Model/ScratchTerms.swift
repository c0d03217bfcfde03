package import PhaseSQL
package import PhaseSQLite

/// What a scratch database in memory has to know of the application.
package struct ScratchTerms: Sendable {
  /// Functions that only the application has. Scratch databases have stubs in their place.
  package var functions: [FunctionStub]
  /// Tables that phasedb ignores: they do not count as part of the schema.
  package var ignored: NamePatterns

  package init(functions: [FunctionStub] = [], ignored: NamePatterns = NamePatterns()) {
    (self.functions, self.ignored) = (functions, ignored)
  }
}
