extension Migrator {
  /// Writes the phases of a recipe for the schema of this database, and tries its expressions on the rows. Reads only.
  ///
  /// - Throws: `bad-recipe` when the words cannot be read, `recipe-refused` when the change does not fit the schema or
  ///   the rows, `database-not-found`.
  package func phases(_ request: RecipeRequest, as name: MigrationName) throws(MigrationError)
    -> WrittenPhases
  {
    guard isThere else {
      throw MigrationError(
        .databaseNotFound, "there is no database at \(database)",
        help: [
          "check the path given with --database", "or leave it out: the schema then comes from the folder",
        ])
    }
    return try connection.reading { () throws(MigrationError) in
      let applied = Set(try Knowledge(of: connection).applied.map(\.id))
      let pending = catalog.phases.filter { !applied.contains($0.id) }
      return try RecipeWriter.phases(
        request, as: name, on: connection, called: database, before: pending,
        terms: options.scratchTerms)
    }
  }
}
