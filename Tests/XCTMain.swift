import Testing

/// Where the tests begin on Linux. Without it SwiftPM looks for tests of XCTest, of which there are none, in an index of
/// all that it compiles, which takes a tenth of the build.
@main
struct TestRun {
  static func main() async {
    // SwiftPM asks for each library of tests.
    guard CommandLine.arguments.contains("swift-testing") else { return }
    await Testing.__swiftPMEntryPoint() as Never
  }
}
