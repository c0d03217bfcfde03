/// What a reader cannot know from the files.
package struct ReaderOptions: Sendable {
  /// Values of placeholders by name: `${name}` of Flyway and what `ENVSUB` of goose takes from the environment.
  package var set: [String: String]
  /// Text that is replaced in every file before it is read, one after the other.
  package var replace: [Replacement]
  /// Whether the tool is told to open no transaction, as golang-migrate is by `x-no-tx-wrap`.
  package var noTransaction: Bool

  package init(set: [String: String] = [:], replace: [Replacement] = [], noTransaction: Bool = false) {
    self.set = set
    self.replace = replace
    self.noTransaction = noTransaction
  }

  package struct Replacement: Sendable, Hashable {
    package let text: String
    package let by: String

    package init(_ text: String, by: String) {
      self.text = text
      self.by = by
    }
  }

  /// A text of a file as the tool would see it.
  func replacing(in text: String) -> String {
    replace.reduce(text) { text, replacement in
      Bytes.replacing(replacement.text, by: replacement.by, in: text)
    }
  }
}
