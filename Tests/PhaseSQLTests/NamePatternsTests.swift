import Testing

@testable import PhaseSQL

struct NamePatternsTests {
  static let cases: [(pattern: String, names: [String], others: [String])] = [
    ("sessions", ["sessions", "Sessions"], ["session", "sessions2", ""]),
    ("cache_*", ["cache_", "CACHE_a", "cache_a_b"], ["cache", "my_cache_a"]),
    ("*_log", ["_log", "a_log", "a_log_log"], ["a_logs"]),
    ("a*b*c", ["abc", "axbxc", "abcabc"], ["ab", "acb", "abcd"]),
    ("t?", ["t1", "té"], ["t", "t12"]), ("t[0-9x]", ["t5", "tx"], ["ta", "t", "t55"]),
    ("t[^0-9]", ["ta"], ["t5", "t"]), ("t[]]", ["t]"], ["t"]), ("t[", ["t["], ["t"]),
    ("a-b \"c", ["A-B \"C"], ["a-b"]),
    ("Ärger*", ["Ärger", "Ärger2"], ["ärger", "arger"]),
  ]

  @Test("a pattern matches whole names, in either case of ASCII", arguments: cases)
  func matches(_ example: (pattern: String, names: [String], others: [String])) {
    let patterns = NamePatterns(["nothing-else", example.pattern])
    for name in example.names { #expect(patterns.match(name.folded), "\(example.pattern) and \(name)") }
    for name in example.others { #expect(!patterns.match(name.folded), "\(example.pattern) and \(name)") }
    #expect(!NamePatterns().match("nothing-else"))
  }

  @Test("many stars cost no more than their product with the name")
  func stars() {
    let name = String(repeating: "a", count: 2_000)
    #expect(!NamePatterns([String(repeating: "a*", count: 50) + "b"]).match(name.folded))
  }
}
