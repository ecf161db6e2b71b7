// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

// How each step divides its scratch. The planner reserves it, the reader checks that it is there, and
// the runtime works in it; all three ask here. Offsets are from the start of a thread's scratch. What
// all threads share lies in the first thread's, behind its own part, and the others have no such room.

/// Reserves consecutive ranges on 64-byte boundaries.
struct ScratchCursor {
  private(set) var byteCount = 0

  mutating func reserve(_ bytes: Int) -> Int {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return byteCount
  }

  mutating func reserveProduct(rows: Int, k: Int) -> Int {
    reserve(Self.product(rows: rows, k: k))
  }

  /// What a product of a plain matrix needs.
  static func product(rows: Int, k: Int) -> Int { lvt_gemm_scratch_bytes(rows, k) }
}
