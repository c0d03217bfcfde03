/// Whether a tool's connection enforces foreign keys before any script runs.
///
/// An application may set it otherwise where it opens the database, so an audit tries both wherever it matters.
///
/// | tool | keys | source |
/// |---|---|---|
/// | Diesel | off | `SqliteConnection` sets no pragma; the system's SQLite has it off |
/// | golang-migrate, maragudk/migrate, goose, dbmate | off | mattn/go-sqlite3 and modernc.org/sqlite only set it when the address says `_foreign_keys` or `_pragma` |
/// | SQLx | on | `SqliteConnectOptions::foreign_keys` is true by default |
/// | Refinery | on | rusqlite's `bundled` builds with `SQLITE_DEFAULT_FOREIGN_KEYS=1` (libsqlite3-sys, build.rs) |
/// | Flyway | off | the JDBC driver of xerial leaves SQLite's default |
/// | sqitch | off | runs scripts in the `sqlite3` shell |
/// | node-sqlite, yoyo | off | node-sqlite3 and Python's sqlite3 leave SQLite's default |
/// | Drizzle | on | better-sqlite3 builds with `SQLITE_DEFAULT_FOREIGN_KEYS=1` (docs/compilation.md) |
/// | Prisma | on | its engine bundles libsqlite3-sys |
/// | Cloudflare D1 | on | D1 enforces keys in every transaction (developers.cloudflare.com/d1/sql-api/foreign-keys) |
extension MigrationTool {
  package var enforcesForeignKeys: Bool {
    switch self {
    case .sqlx, .refinery, .drizzle, .prisma, .d1: true
    case .diesel, .golangMigrate, .maragudkMigrate, .goose, .dbmate, .flyway, .sqitch, .nodeSQLite, .yoyo,
      .phasedb:
      false
    }
  }
}
