// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

/// How a Swin's windows lie on maps that they do not cut evenly, and which are shifted.
///
/// Programs that give a network the same tensors differ there, and the result with them.
public enum SwinWindows: String, CaseIterable, Sendable {
  /// timm: the map is rolled, then padded. Each axis is shifted for itself, unless the map is not longer than
  /// a window along it.
  case timm
  /// timm with `always_partition`: as `timm`, but every second block is shifted on every map.
  case timmAlwaysPartition = "timm-always-partition"
  /// The published code for classification: padded, then rolled. No axis is shifted where the map's shorter
  /// one is not longer than a window.
  case original
  /// The published code for detection and segmentation: padded, then rolled; every second block is
  /// shifted on every map.
  case originalDense = "original-dense"

  /// The shift of a block's windows.
  func shift(edge: Int, of map: Shape, isShifted: Bool) -> WindowShift {
    let order: WindowShift.Order =
      switch self {
      case .timm, .timmAlwaysPartition: .rollThenPad
      case .original, .originalDense: .padThenRoll
      }
    func shift(_ hasRoom: Bool) -> Int { isShifted && hasRoom ? edge / 2 : 0 }
    switch self {
    case .timm:
      return WindowShift(
        rows: shift(map.height > edge), columns: shift(map.width > edge), order: order)
    case .original:
      let both = shift(min(map.height, map.width) > edge)
      return WindowShift(rows: both, columns: both, order: order)
    case .timmAlwaysPartition, .originalDense:
      return WindowShift(rows: shift(true), columns: shift(true), order: order)
    }
  }

  /// Whether windows become as small as a map that is shorter than they are, which changes the table of
  /// their biases: a network with windows longer than a map is then none of this code's.
  var shrinksWindows: Bool {
    switch self {
    case .timm, .original: true
    case .timmAlwaysPartition, .originalDense: false
    }
  }

  /// Maps of odd extent are padded with zeros where they are merged; the published code for
  /// classification refuses them.
  var mergesOddMaps: Bool { self != .original }
}
