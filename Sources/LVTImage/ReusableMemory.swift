// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Memory that grows to the most that was asked of it and stays so.
package final class ReusableMemory {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0

  /// No memory yet.
  package init() {}

  deinit { lvt_free(base) }

  /// Memory of at least `bytes`, on a 64-byte boundary.
  ///
  /// What it held before is lost, and memory that was reserved before becomes invalid.
  package func reserve(_ bytes: Int) throws(ImageError) -> UnsafeMutableRawPointer {
    if let base, capacity >= bytes { return base }
    lvt_free(base)
    base = lvt_allocate(bytes)
    capacity = base == nil ? 0 : bytes
    guard let base else { throw .outOfMemory(bytes: bytes) }
    return base
  }
}
