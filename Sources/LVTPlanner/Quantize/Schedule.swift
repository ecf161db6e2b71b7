// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// What a plan assumes of the machine that runs it: how much cache a thread has, and how many threads.
///
/// It decides how many positions a step works on at a time. No result depends on it, and a plan for one
/// machine runs on every other.
public struct Schedule: Equatable, Sendable {
  /// Threads that the plan asks for; nil leaves the number to whoever runs it.
  public var threads: Int?
  /// Bytes of the last cache that is a thread's own, or of its share of one that several threads use.
  public var cacheBytes = 256 << 10
  /// Bytes in which the kernels of matrix products keep each value that they read: 2 where they widen to
  /// int16.
  public var elementBytes = 2

  /// 256 kB, a thread's share of the cache of four Cortex-A72, and kernels that widen to int16.
  public init() {}

  /// A multiple of every micro-kernel's rows; more gain nothing where the weights stay in the cache.
  private static let fewestRows = 60
  /// Each has thousands of taps, which stay in the first-level cache.
  private static let rowsWithTaps = 24

  /// The positions of a step's largest strip.
  ///
  /// The weights pass by once a strip. Where they stay in the cache beside a short strip, strips are
  /// short. Where they come from memory each time, strips are as long as the cache allows: it must hold
  /// what a product reads of the strip for every block of columns. An eighth of the cache is left for
  /// all else. None is longer than a thread's share.
  func stripRows(_ operation: Step.Operation, positions: Int) -> Int {
    let share = (positions + (threads ?? 1) - 1) / (threads ?? 1)
    if case .inhomogeneousDepthwise = operation { return min(Self.rowsWithTaps, share) }
    let rowBytes = elementBytes * (operation.matrices.map(\.k).max() ?? 1)
    let room = cacheBytes / 8 * 7
    let staysBesideWeights = operation.constantBytes + Self.fewestRows * rowBytes <= room
    let rows = staysBesideWeights ? Self.fewestRows : max(Self.fewestRows, room / rowBytes)
    return min(rows, share)
  }
}
