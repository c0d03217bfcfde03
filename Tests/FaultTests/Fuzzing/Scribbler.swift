import TestDice

/// Writes texts that somebody might have written: damaged ones, and words of a language in any order.
struct Scribbler {
  private var dice: Dice
  private let seeds: [[Unicode.Scalar]]
  private let words: [[Unicode.Scalar]]

  init(_ reader: ByteReader, seed: UInt64) {
    dice = Dice(seed: seed)
    seeds = reader.seeds.map { Array($0.unicodeScalars) }
    words = reader.words.map { Array($0.unicodeScalars) }
  }

  mutating func text() -> String {
    var scalars = dice.falls(80) ? one(of: seeds) : []
    for _ in 0...dice.below(4) { damage(&scalars) }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }

  private mutating func one(of texts: [[Unicode.Scalar]]) -> [Unicode.Scalar] {
    texts[dice.below(texts.count)]
  }

  private mutating func range(in scalars: [Unicode.Scalar]) -> Range<Int> {
    let start = dice.below(scalars.count + 1)
    return start..<min(scalars.count, start + dice.below(12))
  }

  private mutating func damage(_ scalars: inout [Unicode.Scalar]) {
    let range = range(in: scalars)
    switch dice.below(5) {
    case 0: scalars.removeSubrange(range)
    case 1: scalars.insert(contentsOf: one(of: words), at: range.lowerBound)
    case 2: scalars.replaceSubrange(range, with: one(of: words))
    case 3: scalars.insert(contentsOf: scalars[range], at: dice.below(scalars.count + 1))
    default:
      // Anything but a surrogate, which is no character, and NUL, which the reader of files refuses.
      let scalar = Unicode.Scalar(UInt32(1 + dice.below(dice.falls(80) ? 0x7F : 0xD7FF))) ?? " "
      scalars.insert(scalar, at: range.lowerBound)
    }
  }
}
