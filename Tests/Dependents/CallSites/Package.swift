// swift-tools-version: 6.2
import PackageDescription

// An application as others write one: it sees what is public and no more. Scripts/test puts the Swift blocks of the
// documents beside its source.
let package = Package(
  name: "call-sites",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "phasedb", path: "../../..")],
  targets: [
    // As the module of that name on Apple's platforms.
    .systemLibrary(name: "SQLite3"),
    .executableTarget(
      name: "CallSites", dependencies: ["SQLite3", .product(name: "PhaseDB", package: "phasedb")],
      swiftSettings: [.treatAllWarnings(as: .error)]),
  ],
  swiftLanguageModes: [.v6]
)
