import PhaseDB
import Testing

@Suite struct DurationTextTests {
  @Test(
    arguments: [
      ("50ms", .milliseconds(50)), ("2s", .seconds(2)), ("30m", .seconds(1800)), ("12h", .seconds(43_200)),
      ("7d", .seconds(604_800)), ("1.5s", .milliseconds(1500)), ("0.25h", .seconds(900)), ("0s", .zero),
      ("0.001ms", .microseconds(1)), ("999999999999d", .seconds(86_400) * 999_999_999_999),
    ] as [(String, Duration)])
  func reads(_ text: String, _ duration: Duration) {
    #expect(DurationText.parse(text) == duration)
  }

  @Test(arguments: [
    "", "5", "s", "5 s", "5x", "-5s", "1.s", ".5s", "1,5s", "5S", "1e3s", "1234567890123s", "5ss",
  ])
  func refuses(_ text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(
    arguments: [
      (.zero, "0s"), (.seconds(1), "1s"), (.seconds(60), "1m"), (.seconds(90), "90s"), (.seconds(3600), "1h"),
      (.seconds(86_400), "1d"), (.milliseconds(1500), "1500ms"), (.microseconds(1500), "1.5ms"),
      (.nanoseconds(1), "0.000001ms"),
      (Duration(secondsComponent: 0, attosecondsComponent: 1), "0.000000000000001ms"),
      (.seconds(-1), "0s"), (.seconds(Int64.max), "100000000s"),
    ] as [(Duration, String)])
  func prints(_ duration: Duration, _ text: String) {
    #expect(DurationText.print(duration) == text)
    #expect(DurationText.parse(text) == min(max(.zero, duration), .seconds(100_000_000)))
  }
}
