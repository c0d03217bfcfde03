internal import PhaseSQL

/// The sums over the values of one row, before they are mixed into its hash.
struct RowHashParts {
  var first: UInt64 = 0
  var second: UInt64 = 0

  @inline(__always)
  mutating func add(_ product: Mixing.Product) {
    first &+= Mixing.fold(product.low ^ Mixing.k0, product.high ^ Mixing.k1)
    second &+= Mixing.fold(product.low ^ Mixing.k2, product.high ^ Mixing.k3)
  }

  /// With sums alone, two rows could exchange values unnoticed, so each sum is mixed once more.
  @inline(__always)
  var row: RowHash {
    RowHash(
      first: Mixing.fold(first ^ Mixing.k4, second ^ Mixing.k5),
      second: Mixing.fold(second ^ Mixing.k6, first ^ Mixing.k7))
  }
}

/// Multiplication of 64 by 64 bits that keeps all 128: it mixes eight bytes in a few cycles.
enum Mixing {
  // The fractional parts of the square roots of the first eight primes: no choice of ours is in them.
  static let k0: UInt64 = 0x6a09_e667_f3bc_c908
  static let k1: UInt64 = 0xbb67_ae85_84ca_a73b
  static let k2: UInt64 = 0x3c6e_f372_fe94_f82b
  static let k3: UInt64 = 0xa54f_f53a_5f1d_36f1
  static let k4: UInt64 = 0x510e_527f_ade6_82d1
  static let k5: UInt64 = 0x9b05_688c_2b3e_6c1f
  static let k6: UInt64 = 0x1f83_d9ab_fb41_bd6b
  static let k7: UInt64 = 0x5be0_cd19_137e_2179

  // And of the primes after them, which tell the types apart.
  static let name: UInt64 = 0xcbbb_9d5d_c105_9ed8
  static let null: UInt64 = 0x629a_292a_367c_d507
  static let integer: UInt64 = 0x9159_015a_3070_dd17
  static let real: UInt64 = 0x152f_ecd8_f70e_5939
  static let text: UInt64 = 0x6733_2667_ffc0_0b31
  static let blob: UInt64 = 0x8eb4_4a87_6858_1511

  struct Product {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    init(_ a: UInt64, _ b: UInt64) {
      let product = a.multipliedFullWidth(by: b)
      low = product.low
      high = product.high
    }

    @inline(__always)
    var folded: UInt64 { low ^ high }
  }

  @inline(__always)
  static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 { Product(a, b).folded }

  /// Mixes a word with a seed. The factor is odd, so the low half alone differs for any two words.
  @inline(__always)
  static func hash(_ word: UInt64, seed: UInt64) -> Product { Product(word ^ k0, seed | 1) }

  /// Mixes bytes and their number with a seed.
  @inline(__always)
  static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> Product {
    let count = bytes.count
    guard let base = bytes.baseAddress, count > 0 else { return Product(seed ^ k1, k2) }
    var state = fold(seed ^ k3, UInt64(truncatingIfNeeded: count) ^ k4)
    var low: UInt64
    var high: UInt64
    if count >= 16 {
      var offset = 0
      if count > 64 {
        // Two chains at once: a multiplication waits for the one before it, not for the one beside it.
        var beside = state ^ k5
        while count - offset > 32 {
          state = unsafe fold(word(base, offset) ^ k6, word(base, offset + 8) ^ state)
          beside = unsafe fold(word(base, offset + 16) ^ k7, word(base, offset + 24) ^ beside)
          offset += 32
        }
        state = fold(state ^ k0, beside ^ k1)
      }
      while count - offset > 16 {
        state = unsafe fold(word(base, offset) ^ k6, word(base, offset + 8) ^ state)
        offset += 16
      }
      // The last sixteen bytes, some of which were seen already.
      low = unsafe word(base, count - 16)
      high = unsafe word(base, count - 8)
    } else if count >= 8 {
      low = unsafe word(base, 0)
      high = unsafe word(base, count - 8)
    } else if count >= 4 {
      low = unsafe UInt64(half(base, 0))
      high = unsafe UInt64(half(base, count - 4))
    } else {
      low =
        unsafe UInt64(byte(base, 0)) << 16 | UInt64(byte(base, count / 2)) << 8
        | UInt64(byte(base, count - 1))
      high = 0
    }
    low ^= k2
    high ^= state
    return Product(low, high)
  }

  // Little endian on every machine, because hashes are kept in files that travel.
  @inline(__always)
  private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func half(_ base: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  private static func byte(_ base: UnsafeRawPointer, _ offset: Int) -> UInt8 {
    unsafe base.load(fromByteOffset: offset, as: UInt8.self)
  }
}
