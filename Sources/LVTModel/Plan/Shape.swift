// SPDX-License-Identifier: Apache-2.0

/// The extent of a map: one picture, height × width positions, `channels` values at each (NHWC, N = 1).
public struct Shape: Equatable, Sendable {
  /// Rows.
  public var height: Int
  /// Positions in a row.
  public var width: Int
  /// Values at a position.
  public var channels: Int

  /// A shape of at least one element.
  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Positions of the map.
  public var positions: Int { height * width }

  /// Channels rounded up to whole blocks of 16: the distance between positions in memory, in elements.
  public var paddedChannels: Int { Self.blocks(channels) * Self.block }

  /// Channels in a block, the unit of every kernel and of packed weights.
  public static let block = 16

  /// Blocks of 16 that hold `channels`.
  public static func blocks(_ channels: Int) -> Int { (channels + block - 1) / block }
}

extension Shape: CustomStringConvertible {
  /// `56×56×96`.
  public var description: String { "\(height)×\(width)×\(channels)" }
}
