/// The hash function SHA-256 of FIPS 180-4 (doi.org/10.6028/NIST.FIPS.180-4).
///
/// It is written here because neither the toolchain on Linux nor SQLite has one, and the package has no dependencies.
/// It identifies texts and protects no secrets, so it is not hardened against timing attacks.
package enum SHA256 {
  /// The digest of a message in lower-case hexadecimal.
  package static func hex(_ message: [UInt8]) -> String { hex(words(message)) }

  private static func hex(_ words: [UInt32]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for word in words {
      for shift in stride(from: 28, through: 0, by: -4) { text.append(digits[Int(word >> shift) & 0xF]) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digest of a message as eight words, the most significant first.
  static func words(_ message: [UInt8]) -> [UInt32] {
    var state = initial
    let whole = message.count / 64 * 64
    for start in stride(from: 0, to: whole, by: 64) { compress(message, at: start, &state) }
    finish(Array(message[whole...]), of: UInt64(message.count), &state)
    return state
  }

  /// Section 5.3.3.
  private static let initial: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]

  /// Section 5.1.1: after the last bytes a one bit, zeros, and the length of the message in bits.
  private static func finish(_ rest: [UInt8], of count: UInt64, _ state: inout [UInt32]) {
    var last = rest
    last.append(0x80)
    while last.count % 64 != 56 { last.append(0) }
    let length = count * 8
    for shift in stride(from: 56, through: 0, by: -8) {
      last.append(UInt8(truncatingIfNeeded: length >> shift))
    }
    for start in stride(from: 0, to: last.count, by: 64) { compress(last, at: start, &state) }
  }

  /// The digest of a message that comes in pieces.
  struct Running {
    private var state = SHA256.initial
    /// Bytes that do not fill a block yet.
    private var rest: [UInt8] = []
    private var count: UInt64 = 0

    /// Takes the first bytes of a buffer.
    mutating func add(_ buffer: [UInt8], _ bytes: Int) {
      count += UInt64(bytes)
      var start = 0
      if !rest.isEmpty {
        start = min(64 - rest.count, bytes)
        rest += buffer[..<start]
        guard rest.count == 64 else { return }
        SHA256.compress(rest, at: 0, &state)
        rest = []
      }
      while bytes - start >= 64 {
        SHA256.compress(buffer, at: start, &state)
        start += 64
      }
      rest += buffer[start..<bytes]
    }

    /// The digest of everything so far in lower-case hexadecimal.
    var hex: String {
      var words = state
      SHA256.finish(rest, of: count, &words)
      return SHA256.hex(words)
    }
  }

  /// Section 6.2.2, with the sixteen present words of the schedule in sixteen variables. An array would check its
  /// bounds at each of the five hundred accesses of a block, and hashing is half the cost of reading a folder.
  private static func compress(_ bytes: [UInt8], at start: Int, _ state: inout [UInt32]) {
    func word(_ index: Int) -> UInt32 {
      let at = start + index * 4
      return UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8
        | UInt32(bytes[at + 3])
    }
    var (w0, w1, w2, w3, w4, w5, w6, w7) = (
      word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)
    )
    var (w8, w9, w10, w11) = (word(8), word(9), word(10), word(11))
    var (w12, w13, w14, w15) = (word(12), word(13), word(14), word(15))
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    let constants = Self.constants
    for index in stride(from: 0, to: 64, by: 16) {
      // Each round shifts the names and not the values.
      round(a, b, c, &d, e, f, g, &h, constants[index] &+ w0)
      round(h, a, b, &c, d, e, f, &g, constants[index + 1] &+ w1)
      round(g, h, a, &b, c, d, e, &f, constants[index + 2] &+ w2)
      round(f, g, h, &a, b, c, d, &e, constants[index + 3] &+ w3)
      round(e, f, g, &h, a, b, c, &d, constants[index + 4] &+ w4)
      round(d, e, f, &g, h, a, b, &c, constants[index + 5] &+ w5)
      round(c, d, e, &f, g, h, a, &b, constants[index + 6] &+ w6)
      round(b, c, d, &e, f, g, h, &a, constants[index + 7] &+ w7)
      round(a, b, c, &d, e, f, g, &h, constants[index + 8] &+ w8)
      round(h, a, b, &c, d, e, f, &g, constants[index + 9] &+ w9)
      round(g, h, a, &b, c, d, e, &f, constants[index + 10] &+ w10)
      round(f, g, h, &a, b, c, d, &e, constants[index + 11] &+ w11)
      round(e, f, g, &h, a, b, c, &d, constants[index + 12] &+ w12)
      round(d, e, f, &g, h, a, b, &c, constants[index + 13] &+ w13)
      round(c, d, e, &f, g, h, a, &b, constants[index + 14] &+ w14)
      round(b, c, d, &e, f, g, h, &a, constants[index + 15] &+ w15)
      guard index < 48 else { break }
      expand(&w0, w1, w9, w14)
      expand(&w1, w2, w10, w15)
      expand(&w2, w3, w11, w0)
      expand(&w3, w4, w12, w1)
      expand(&w4, w5, w13, w2)
      expand(&w5, w6, w14, w3)
      expand(&w6, w7, w15, w4)
      expand(&w7, w8, w0, w5)
      expand(&w8, w9, w1, w6)
      expand(&w9, w10, w2, w7)
      expand(&w10, w11, w3, w8)
      expand(&w11, w12, w4, w9)
      expand(&w12, w13, w5, w10)
      expand(&w13, w14, w6, w11)
      expand(&w14, w15, w7, w12)
      expand(&w15, w0, w8, w13)
    }
    for (index, letter) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= letter }
  }

  /// A word of the schedule from those 16, 15, 7 and 2 before it.
  @inline(__always)
  private static func expand(_ word: inout UInt32, _ early: UInt32, _ middle: UInt32, _ late: UInt32) {
    let small0 = early.rotated(7) ^ early.rotated(18) ^ (early &>> 3)
    let small1 = late.rotated(17) ^ late.rotated(19) ^ (late &>> 10)
    word = word &+ small0 &+ middle &+ small1
  }

  @inline(__always)
  private static func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
    _ h: inout UInt32, _ addend: UInt32
  ) {
    let big1 = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
    let first = h &+ big1 &+ ((e & f) ^ (~e & g)) &+ addend
    let big0 = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
    d &+= first
    h = first &+ big0 &+ ((a & b) ^ (a & c) ^ (b & c))
  }

  /// Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}

extension UInt32 {
  @inline(__always)
  fileprivate func rotated(_ count: UInt32) -> UInt32 { (self &>> count) | (self &<< (32 &- count)) }
}
