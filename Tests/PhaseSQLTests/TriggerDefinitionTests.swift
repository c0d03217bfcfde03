import Testing

@testable import PhaseSQL

struct TriggerDefinitionTests {
  static let cases: [(String, String, Bool)] = [
    ("CREATE TRIGGER g INSERT ON t BEGIN SELECT 1; END", "BEFORE INSERT ON t", false),
    (
      "CREATE TRIGGER IF NOT EXISTS \"g\" AFTER DELETE ON main.t FOR EACH ROW BEGIN SELECT 1; END",
      "AFTER DELETE ON t", false
    ),
    (
      "CREATE TRIGGER g BEFORE UPDATE OF a, \"b c\" ON t WHEN NEW.a IS NOT OLD.a BEGIN SELECT 1; END",
      "BEFORE UPDATE OF a, b c ON t", true
    ),
    (
      "CREATE TEMP TRIGGER g INSTEAD OF UPDATE ON t WHEN (CASE WHEN 1 THEN 2 END) BEGIN SELECT 1; END",
      "INSTEAD OF UPDATE ON t", true
    ),
  ]

  @Test("reads when a trigger fires", arguments: cases)
  func reads(_ sql: String, _ occasion: String, _ hasWhen: Bool) throws {
    let trigger = try #require(TriggerDefinition(sql))
    #expect(trigger.name == "G")
    #expect(trigger.occasion == occasion)
    #expect((trigger.condition != nil) == hasWhen)
    #expect(trigger.body == SQLFragment("BEGIN SELECT 1; END"))
  }

  @Test(
    "is no trigger",
    arguments: ["", "CREATE TABLE t (a)", "CREATE TRIGGER g", "CREATE TRIGGER g AFTER UPDATE"])
  func noTrigger(_ sql: String) { #expect(TriggerDefinition(sql) == nil) }
}
