/// CRC-32 of ISO 3309, as Flyway records it: of the lines without their ends, so that line ends do not count.
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }

  /// Java reads the four bytes as a number with a sign. A carriage return alone ends a line too, and a byte order mark at
  /// the beginning does not count.
  static func ofLines(_ text: String) -> Int32 {
    let bytes = Array(text.utf8)
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var value: UInt32 = 0xFFFF_FFFF
    for byte in bytes[start...] where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
      value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8)
    }
    return Int32(bitPattern: ~value)
  }
}

/// The hash function SHA-1 of FIPS 180-4, by which sqitch names changes and tells scripts apart.
enum SHA1 {
  static func hex(_ message: [UInt8]) -> String {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var bytes = message + [0x80]
    while bytes.count % 64 != 56 { bytes.append(0) }
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: (UInt64(message.count) * 8) >> (56 - 8 * UInt64($0))) }
    for block in stride(from: 0, to: bytes.count, by: 64) {
      var schedule = stride(from: block, to: block + 64, by: 4).map { start in
        bytes[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      }
      for index in 16..<80 {
        let word =
          schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16]
        schedule.append(word << 1 | word >> 31)
      }
      var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
      for index in 0..<80 {
        let (mixed, constant): (UInt32, UInt32) =
          switch index {
          case ..<20: ((b & c) | (~b & d), 0x5A82_7999)
          case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
          case ..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
          default: (b ^ c ^ d, 0xCA62_C1D6)
          }
        let next = (a << 5 | a >> 27) &+ mixed &+ e &+ constant &+ schedule[index]
        (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
      }
      for (index, word) in [a, b, c, d, e].enumerated() { state[index] &+= word }
    }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}

/// SipHash-1-3 with a key of zeros (Aumasson and Bernstein, 2012), by which Refinery tells migrations apart.
enum SipHash {
  static func hash(_ bytes: [UInt8]) -> UInt64 {
    var state = State()
    for start in stride(from: 0, to: bytes.count / 8 * 8, by: 8) {
      state.take(word(bytes[start..<start + 8]))
    }
    state.take(word(bytes[(bytes.count / 8 * 8)...]) | UInt64(bytes.count & 0xFF) << 56)
    state.words.2 ^= 0xFF
    for _ in 0..<3 { state.round() }
    return state.words.0 ^ state.words.1 ^ state.words.2 ^ state.words.3
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private struct State {
    var words: (UInt64, UInt64, UInt64, UInt64) = (
      0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573
    )

    mutating func take(_ word: UInt64) {
      words.3 ^= word
      round()
      words.0 ^= word
    }

    mutating func round() {
      words.0 &+= words.1
      words.1 = rotated(words.1, 13) ^ words.0
      words.0 = rotated(words.0, 32)
      words.2 &+= words.3
      words.3 = rotated(words.3, 16) ^ words.2
      words.0 &+= words.3
      words.3 = rotated(words.3, 21) ^ words.0
      words.2 &+= words.1
      words.1 = rotated(words.1, 17) ^ words.2
      words.2 = rotated(words.2, 32)
    }

    private func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
  }
}
