// SPDX-License-Identifier: Apache-2.0
import CLVTGuard

/// Where an operand lies between its two inaccessible pages.
enum Placement: Int, CaseIterable {
  /// Its last byte is the last accessible one (but for alignment).
  case beforeGuard
  /// Its first byte is the first accessible one.
  case afterGuard
  /// Inside, as badly aligned as its element type allows.
  case unaligned
}

/// A kernel's operand before the call.
struct Operand {
  enum Role { case input, output, scratch }

  let role: Role
  /// What memory holds before the call; canaries in the gaps between an output's rows.
  var bytes: [UInt8]
  let alignment: Int

  init(_ role: Role, _ bytes: [UInt8], alignment: Int = 1) {
    self.role = role
    self.bytes = bytes
    self.alignment = alignment
  }

  static let canary: UInt8 = 0x99

  /// Memory whose contents the kernel must not rely on.
  static func scratch(_ count: Int) -> Operand {
    Operand(.scratch, [UInt8](repeating: canary, count: count), alignment: 64)
  }
}

/// Memory between two inaccessible pages, for one operand at a time, with canaries around it.
final class Fence {
  private var memory: UnsafeMutableRawPointer?
  private var size = 0
  private var start = 0
  private var count = 0
  private static let margin = 256

  deinit { lvt_guarded_free(memory, size) }

  /// Copies an operand in and returns its first byte.
  func place(_ operand: Operand, _ placement: Placement) throws(CheckFailure)
    -> UnsafeMutableRawPointer
  {
    count = operand.bytes.count
    try reserve(count + 3 * Self.margin)
    guard let memory else { throw .noMemory(bytes: count) }
    start =
      switch placement {
      case .beforeGuard: (size - count) / operand.alignment * operand.alignment
      case .afterGuard: 0
      case .unaligned: Self.margin + operand.alignment
      }
    for i in margins { memory.storeBytes(of: Operand.canary, toByteOffset: i, as: UInt8.self) }
    operand.bytes.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress {
        (memory + start).copyMemory(from: base, byteCount: count)
      }
    }
    return memory + start
  }

  /// The operand's bytes now.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory.map { UnsafeRawPointer($0 + start) }, count: count)
  }

  /// The distance from the operand's first byte to a canary that was written over, if any.
  var brokenCanary: Int? {
    guard let memory else { return nil }
    for i in margins where memory.load(fromByteOffset: i, as: UInt8.self) != Operand.canary {
      return i - start
    }
    return nil
  }

  private var margins: [Int] {
    let end = start + count
    return Array(max(0, start - Self.margin)..<start)
      + Array(end..<min(size, end + Self.margin))
  }

  private func reserve(_ bytes: Int) throws(CheckFailure) {
    guard bytes > size else { return }
    lvt_guarded_free(memory, size)
    memory = lvt_guarded_allocate(bytes, &size)
    if memory == nil {
      size = 0
      throw .noMemory(bytes: bytes)
    }
  }
}
