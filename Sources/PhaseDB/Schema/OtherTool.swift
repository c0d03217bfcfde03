internal import PhaseSQL
internal import PhaseSQLite

/// A table of another migration tool, in a database that phasedb shares with it.
///
/// phasedb ignores such tables: they are not part of a baseline, and a difference in them is no difference of the
/// schema.
package struct OtherTool: Sendable, Hashable {
  /// The table's name, as spelled.
  package let table: String
  /// The tool; several names when tools share the table.
  package let tool: String
}

extension OtherTool {
  /// The tool that uses a table of this name; nil when none is known.
  static func tool(of table: FoldedName) -> String? { tools[table] }

  /// Whether phasedb leaves a table of this name out of the schema.
  package static func isKnown(_ table: String) -> Bool { tool(of: table.folded) != nil }

  /// By the name of the table in lower case. Only names that no application would give to a table of its own: a plain
  /// `migrations`, which Laravel and TypeORM use, could be a table about birds.
  private static let tools: [FoldedName: String] = [
    "__diesel_schema_migrations": "Diesel",
    "__drizzle_migrations": "Drizzle",
    "__efmigrationshistory": "Entity Framework Core",
    "__efmigrationslock": "Entity Framework Core",
    "_fluent_migrations": "Fluent",
    "_prisma_migrations": "Prisma",
    "_sqlx_migrations": "SQLx",
    "_yoyo_log": "yoyo",
    "_yoyo_migration": "yoyo",
    "_yoyo_version": "yoyo",
    "yoyo_lock": "yoyo",
    "alembic_version": "Alembic",
    "android_metadata": "Android",
    "ar_internal_metadata": "Active Record",
    "atlas_schema_revisions": "Atlas",
    "d1_migrations": "Cloudflare D1",
    "databasechangelog": "Liquibase",
    "databasechangeloglock": "Liquibase",
    "django_migrations": "Django",
    "doctrine_migration_versions": "Doctrine",
    "flyway_schema_history": "Flyway",
    "goose_db_version": "goose",
    "gorp_migrations": "sql-migrate",
    "grdb_migrations": "GRDB",
    "knex_migrations": "Knex.js",
    "knex_migrations_lock": "Knex.js",
    "kysely_migration": "Kysely",
    "kysely_migration_lock": "Kysely",
    "mikro_orm_migrations": "MikroORM",
    "phinxlog": "Phinx",
    "refinery_schema_history": "Refinery",
    "room_master_table": "Room",
    "schema_migrations": "Active Record, golang-migrate or dbmate",
    "seaql_migrations": "SeaORM",
    "sequelizemeta": "Sequelize",
  ]
}
