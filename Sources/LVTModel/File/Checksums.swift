// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes at a time.
package enum CRC32C {
  // table[j][b] is the checksum of byte b followed by j zero bytes ("slicing by 8").
  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
      table[byte] = crc
    }
    for i in 256..<2048 {
      let previous = table[i - 256]
      table[i] = table[Int(previous & 0xFF)] ^ (previous >> 8)
    }
    return table
  }()

  package static func checksum(_ bytes: UnsafeRawBufferPointer, continuing start: UInt32 = 0)
    -> UInt32
  {
    var crc = ~start
    table.withUnsafeBufferPointer { t in
      var i = 0
      while i + 8 <= bytes.count {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
          ^ UInt64(crc)
        crc = 0
        for j in 0..<8 {
          crc ^= t[(7 - j) * 256 + Int(truncatingIfNeeded: (word >> (8 * UInt64(j))) & 0xFF)]
        }
        i += 8
      }
      while i < bytes.count {
        crc = t[Int((crc ^ UInt32(bytes[i])) & 0xFF)] ^ (crc >> 8)
        i += 1
      }
    }
    return ~crc
  }
}

/// SHA-256 as FIPS 180-4 defines it.
public struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
    0x5BE0_CD19,
  ]
  private var block = [UInt8](repeating: 0, count: 64)
  private var filled = 0
  private var total: UInt64 = 0

  /// A hash of nothing yet.
  public init() {}

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    total &+= UInt64(bytes.count)
    var i = 0
    while i < bytes.count {
      if filled == 0, bytes.count - i >= 64 {
        let whole = (bytes.count - i) / 64 * 64
        compress(UnsafeRawBufferPointer(rebasing: bytes[i..<i + whole]))
        i += whole
      } else {
        block[filled] = bytes[i]
        filled = (filled + 1) % 64
        i += 1
        if filled == 0 { compressBlock() }
      }
    }
  }

  /// The 32 bytes of the hash.
  ///
  /// The value is spent afterwards.
  public mutating func finish() -> [UInt8] {
    let bits = total &* 8
    block[filled] = 0x80
    filled += 1
    if filled > 56 {
      for i in filled..<64 { block[i] = 0 }
      compressBlock()
      filled = 0
    }
    for i in filled..<56 { block[i] = 0 }
    for i in 0..<8 { block[56 + i] = UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64(i))) }
    compressBlock()
    var hash: [UInt8] = []
    for word in state {
      for shift in stride(from: 24, through: 0, by: -8) {
        hash.append(UInt8(truncatingIfNeeded: word >> UInt32(shift)))
      }
    }
    return hash
  }

  /// The hash of some bytes.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var sha = SHA256()
    sha.update(bytes)
    return sha.finish()
  }

  /// The first 8 bytes of the hash, as the golden vectors of a plan hold them.
  public static func shortHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    hash(bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func compressBlock() {
    let block = block
    block.withUnsafeBytes { compress($0) }
  }

  /// Takes in whole blocks of 64 bytes.
  private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
    Self.constants.withUnsafeBufferPointer { constants in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
        for start in stride(from: 0, to: blocks.count, by: 64) {
          for i in 0..<16 {
            schedule[i] = UInt32(
              bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * i, as: UInt32.self))
          }
          compress(schedule, constants)
        }
      }
    }
  }

  /// - Parameter schedule: 64 words, of which the first 16 are those of a block.
  private mutating func compress(
    _ schedule: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>
  ) {
    for i in 16..<64 {
      let a = schedule[i - 15], b = schedule[i - 2]
      let s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)
      let s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10)
      schedule[i] = schedule[i - 16] &+ s0 &+ schedule[i - 7] &+ s1
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for i in 0..<64 {
      let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ constants[i] &+ schedule[i]
      let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  private func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x &>> n | x &<< (32 &- n) }

  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]
}
