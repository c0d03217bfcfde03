import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("Times and counts")
struct TimeTextTests {
  @Test(
    "a duration has two units at most",
    arguments: [
      (.zero, "0 ms"),
      (.nanoseconds(40_000), "0 ms"),
      (.microseconds(400), "0.4 ms"),
      (.milliseconds(9), "9 ms"),
      (.microseconds(9_949), "9.9 ms"),
      (.microseconds(9_960), "10 ms"),
      (.milliseconds(12), "12 ms"),
      (.microseconds(999_499), "999 ms"),
      (.microseconds(999_500), "1.0 s"),
      (.milliseconds(1_234), "1.2 s"),
      (.milliseconds(59_949), "59.9 s"),
      (.milliseconds(59_950), "1 min"),
      (.seconds(184), "3 min 4 s"),
      (.milliseconds(3_599_600), "1 h"),
      (.seconds(7_500), "2 h 5 min"),
      (.seconds(273_600), "3 d 4 h"),
      (.milliseconds(-12), "-12 ms"),
      (.seconds(Int64.max), "106751991167300 d 16 h"),
    ] as [(Duration, String)])
  func durations(duration: Duration, text: String) {
    #expect(TimeText.text(duration) == text)
  }

  @Test(
    "a count has its thousands apart",
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000"), (-999, "-999"),
      (Int.min, "-9,223,372,036,854,775,808"),
    ])
  func counts(count: Int, text: String) {
    #expect(CountText.text(count) == text)
  }

  @Test(
    "a count agrees with what it counts",
    arguments: [(0, "0 phases"), (1, "1 phase"), (1200, "1,200 phases")])
  func nouns(count: Int, text: String) {
    #expect(CountText.text(count, "phase") == text)
  }

  @Test(
    "bytes are in powers of 1024",
    arguments: [
      (0, "0 bytes"), (1, "1 byte"), (1023, "1,023 bytes"), (1024, "1.0 KB"), (4096, "4.0 KB"),
      (1_048_575, "1.0 MB"), (1_048_576, "1.0 MB"), (1_395_864_371, "1.3 GB"), (-2048, "-2.0 KB"),
      (Int64.max, "8.0 EB"),
    ] as [(Int64, String)])
  func bytes(count: Int64, text: String) {
    #expect(CountText.bytes(count) == text)
  }
}
