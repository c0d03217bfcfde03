// swift-tools-version: 6.2
import PackageDescription

// An application that uses GRDB and lends phasedb its handle. Nothing that phasedb gives depends on GRDB.
let package = Package(
  name: "grdb-check",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "phasedb", path: "../../.."),
    .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.0.0"),
  ],
  targets: [
    .executableTarget(
      name: "GRDBCheck",
      dependencies: [
        .product(name: "PhaseDB", package: "phasedb"), .product(name: "GRDB", package: "GRDB.swift"),
      ],
      // Linux distributions build SQLite without sqlite3_snapshot_get and its like, which GRDB names and this does not call.
      linkerSettings: [
        .unsafeFlags(["-Xlinker", "--unresolved-symbols=ignore-all"], .when(platforms: [.linux]))
      ])
  ],
  swiftLanguageModes: [.v6]
)
