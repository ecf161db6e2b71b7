// SPDX-License-Identifier: Apache-2.0

/// The class of every pixel of a picture.
public struct LabelMap: Equatable, Sendable {
  /// Pixels of a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Indices of classes, row after row.
  public var labels: [UInt8]

  /// A map; `labels` has width × height elements.
  public init(width: Int, height: Int, labels: [UInt8]) {
    precondition(labels.count == width * height)
    self.width = width
    self.height = height
    self.labels = labels
  }
}
