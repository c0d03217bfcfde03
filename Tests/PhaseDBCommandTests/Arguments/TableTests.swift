import Testing

@testable import PhaseDBCommand

@Suite("The table of verbs and options")
struct TableTests {
  @Test("has a row for every id, and an argument for every argument id")
  func complete() {
    #expect(Verb.table.map(\.id.rawValue).sorted() == Verb.ID.allCases.map(\.rawValue).sorted())
    let known = Option.table.map(\.id) + Verb.table.flatMap(\.positionals).map(\.id)
    #expect(Set(known) == Set(ArgumentID.allCases))
  }

  @Test("gives every name once")
  func unique() {
    for names in [Option.table.flatMap(\.names), Option.table.map(\.id.rawValue), Verb.table.map(\.name)] {
      #expect(names.count == Set(names).count, "one of \(names) is there twice")
    }
  }

  @Test("lets no verb's name be the start of another's")
  func prefixFree() {
    for verb in Verb.table { #expect(Verb.under(verb.path).map(\.id) == [verb.id]) }
  }

  @Test("has a reader for every option", arguments: Option.table.map(\.id))
  func used(id: ArgumentID) throws {
    let option = try #require(Option.named(id))
    let isRead = Verb.everywhere.contains(id) || Verb.table.contains { $0.options.contains(id) }
    #expect(isRead || option.placement == .insteadOfVerb)
  }

  @Test("says of everything what it is, in a phrase without a full stop")
  func summaries() {
    let phrases =
      Verb.table.flatMap { verb in
        [verb.summary] + verb.positionals.map(\.summary) + verb.examples.map(\.does) + verb.wording.values
      } + Option.table.map(\.summary) + ExitCode.allCases.map(\.summary)
    for phrase in phrases {
      #expect(!phrase.isEmpty)
      #expect(phrase.last != ".", "\(phrase)")
      #expect(!phrase.contains("\n"), "\(phrase)")
    }
  }

  @Test("has details and discussions that are whole sentences")
  func sentences() {
    for text in Verb.table.map(\.discussion) + Option.table.map(\.detail) where !text.isEmpty {
      #expect(text.last == ".", "\(text)")
    }
  }

  @Test("has examples of every verb, which parse to that verb", arguments: Verb.table.map(\.id))
  func examples(id: Verb.ID) throws {
    let verb = try #require(Verb.with(id))
    #expect(!verb.examples.isEmpty)
    for example in verb.examples {
      let invocation = try parsed(example.command)
      #expect(invocation.verb == id, "\(example.command)")
    }
  }

  @Test(
    "words only what the verb reads, and sets alternatives only among those", arguments: Verb.table.map(\.id))
  func readable(id: Verb.ID) throws {
    let verb = try #require(Verb.with(id))
    let readable = Set(verb.allOptions.map(\.id) + verb.positionals.map(\.id))
    #expect(readable.isSuperset(of: verb.wording.keys))
    #expect(readable.isSuperset(of: verb.alternatives.joined()))
    #expect(verb.allOptions.count == verb.options.count + Verb.everywhere.count)
    #expect(verb.exitCodes.contains(.done))
  }

  @Test(
    "has required positionals before optional ones, and repeated ones last", arguments: Verb.table.map(\.id))
  func positionals(id: Verb.ID) throws {
    let positionals = try #require(Verb.with(id)).positionals
    #expect(positionals.drop { !$0.isOptional }.allSatisfy { $0.isOptional })
    #expect(positionals.dropLast().allSatisfy { !$0.isRepeated })
  }
}
