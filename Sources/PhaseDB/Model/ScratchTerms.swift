package import PhaseSQL
package import PhaseSQLite

/// What a database in memory that stands for an application's must know of that application.
package struct ScratchTerms: Sendable {
  /// Functions that only the application has, for which stubs answer.
  package var functions: [FunctionStub]
  /// Tables outside the schema, which are left out of it and left alone.
  package var ignored: NamePatterns

  package init(functions: [FunctionStub] = [], ignored: NamePatterns = NamePatterns()) {
    (self.functions, self.ignored) = (functions, ignored)
  }
}
