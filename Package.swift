// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is built with. As a dependency of somebody else's package the warning
/// setting does not apply: SwiftPM drops it there (SE-0480).
let house: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// What the tests spend their time in, and the tests that are loops themselves, once Scripts/test asks for it: the many cases
/// take half of the time then. To optimize a file costs six times what it costs to build it, and the other targets run for
/// a hundredth of the time. A package that depends on this one must not have such flags, and has none, as it never asks.
let tested: [SwiftSetting] =
  house + (Context.environment["PHASEDB_OPTIMIZED_TESTS"] == "1" ? [.unsafeFlags(["-O"])] : [])

let package = Package(
  name: "phasedb",
  // Of Apple's platforms none has been built yet. The command starts processes, which only a Mac lets it.
  platforms: [.macOS(.v15), .iOS(.v18), .tvOS(.v18), .watchOS(.v11), .visionOS(.v2)],
  products: [
    .library(name: "PhaseDB", targets: ["PhaseDB", "PhaseCompat"]),
    .executable(name: "phasedb", targets: ["PhaseDBCommand"]),
  ],
  targets: [
    .systemLibrary(
      name: "CSQLite",
      pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]
    ),
    .systemLibrary(name: "CProcess"),
    .target(name: "PhaseSQL", swiftSettings: tested),
    .target(name: "PhaseSQLite", dependencies: ["CSQLite", "PhaseSQL"], swiftSettings: tested),
    .target(name: "PhaseDB", dependencies: ["PhaseSQL", "PhaseSQLite"], swiftSettings: tested),
    .target(
      name: "PhaseCompat", dependencies: ["PhaseDB", "PhaseSQL", "PhaseSQLite"], swiftSettings: house),
    .target(
      name: "PhaseAudit", dependencies: ["PhaseDB", "PhaseSQL", "PhaseSQLite"], swiftSettings: house),
    .executableTarget(
      name: "PhaseDBCommand", dependencies: ["CProcess", "PhaseAudit", "PhaseCompat", "PhaseDB"],
      // Links to pages of the DocC catalog: `phasedb explain` prints their entries.
      resources: ["Errors", "Rules", "Words"].map { .embedInCode("Pages/\($0).md") }, swiftSettings: house),
    // What tests draw by chance. It knows nothing of the product, as a judge must not.
    .target(name: "TestDice", path: "Tests/TestDice", swiftSettings: tested),
    .testTarget(
      name: "PhaseSQLTests", dependencies: ["PhaseSQL", "PhaseSQLite", "TestDice"], swiftSettings: house),
    .testTarget(
      name: "PhaseSQLiteTests", dependencies: ["PhaseSQL", "PhaseSQLite", "CSQLite"], swiftSettings: house),
    // What Scripts/bench holds digests against. No product has it, so nobody who installs or uses phasedb builds it.
    .executableTarget(
      name: "ScanBench", dependencies: ["CSQLite", "PhaseDB"], path: "Tests/ScanBench", swiftSettings: house),
    .testTarget(
      name: "PhaseDBTests",
      dependencies: ["PhaseCompat", "PhaseDB", "PhaseSQL", "PhaseSQLite", "CSQLite", "TestDice"],
      swiftSettings: house),
    .testTarget(
      name: "PhaseDBCommandTests", dependencies: ["PhaseDBCommand", "PhaseDB"], exclude: ["Screens"],
      swiftSettings: house),
    .testTarget(
      name: "PhaseAuditTests",
      dependencies: ["CSQLite", "PhaseAudit", "PhaseDB", "PhaseSQL", "PhaseSQLite", "TestDice"],
      swiftSettings: house),
    .testTarget(
      name: "WayBackTests", dependencies: ["CSQLite", "PhaseDB", "TestDice"], swiftSettings: tested),
    .target(
      name: "FaultVFS", dependencies: ["CSQLite"], path: "Tests/FaultVFS",
      cSettings: [.treatAllWarnings(as: .error)]),
    .testTarget(
      name: "FaultTests",
      dependencies: ["FaultVFS", "PhaseDB", "PhaseDBCommand", "PhaseSQL", "PhaseSQLite", "TestDice"],
      swiftSettings: tested),
  ],
  swiftLanguageModes: [.v6]
)
