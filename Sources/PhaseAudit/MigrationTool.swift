/// A migration tool whose folders phasedb can read.
package enum MigrationTool: String, Sendable, Hashable, CaseIterable {
  case diesel
  case golangMigrate = "golang-migrate"
  case maragudkMigrate = "maragudk-migrate"
  case goose
  case dbmate
  case sqlx
  case refinery
  case flyway
  case sqitch
  case nodeSQLite = "node-sqlite"
  case yoyo
  case drizzle
  case prisma
  case d1
  case phasedb
}
