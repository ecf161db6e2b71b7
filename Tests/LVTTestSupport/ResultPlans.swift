// SPDX-License-Identifier: Apache-2.0
import LVTModel

/// Plans whose results can be computed by hand, for a picture of 3 × 4 pixels.
///
/// A 1 × 1 convolution makes an int8 map of half the red and half the green of each pixel, and a product an int16
/// map of half that. Another LayerNorm turns the two channels of a position into +1 and −1, or −1 and +1: so the
/// mean over positions counts where red is more than green.
public struct ResultPlan: Sendable {
  /// The plan.
  public let bytes: [UInt8]
  /// A picture of 3 × 4 pixels.
  public let picture: [UInt8]

  /// A plan with the results `classes` (if it has any), `map` of int8, `wide` of int16, and `features`.
  public init(classes: Int?) {
    var made = HandmadePlan(height: 3, width: 4)
    let shape = Shape(height: 3, width: 4, channels: 2)
    var colours = Convolution()
    (colours.kernel, colours.stride, colours.outside) = (1, 1, [0, 0, 0, 0])
    colours.matrix = made.matrix(columns: [[1, 0, 0, 0], [0, 1, 0, 0]], multipliers: [0.5, 0.5])
    colours.matrix.outputZeroPoint = 3
    let map = made.add(.convolution(colours), inputs: [0], shape)
    made.contents.tensors[map].quantization = Quantization(scale: 0.25, zeroPoint: 3)

    var half = Pointwise()
    half.matrix = made.matrix(columns: [[1, 0], [0, 1]], multipliers: [0.5, 0.5])
    let wide = made.add(.pointwise(half), inputs: [map], shape, .int16)
    made.contents.tensors[wide].quantization = Quantization(scale: 2, zeroPoint: 0)

    if let classes { made.addHead(map, classes: classes) }
    made.addOutput("map", .map, map)
    made.addOutput("wide", .map, wide)
    var head = Head()
    head.norm = made.norm(2, gamma: [10, 20], beta: [1, 2])
    head.norm.outputZeroPoint = 5
    head.poolingMultiplier = 0.25
    let features = made.add(
      .head(head), inputs: [map], Shape(height: 1, width: 1, channels: 2), .float32)
    made.addOutput("features", .map, features)
    made.place()
    bytes = made.bytes
    picture = (0..<36).map { UInt8(truncatingIfNeeded: $0 * 91 + 17) }
  }

  private func colour(_ position: Int, _ channel: Int) -> Int {
    Int(picture[3 * position + channel])
  }

  private func half(_ value: Int) -> Int {
    Int((Float(value) * 0.5).rounded(.toNearestOrEven))
  }

  /// The integers of the int8 map.
  public var map: [Int] {
    (0..<12).flatMap { position in (0..<2).map { 3 + half(colour(position, $0) - 128) } }
  }

  /// The integers of the int16 map.
  public var wide: [Int] { map.map(half) }

  /// The features.
  public var features: [Float] {
    let map = map
    var sums = [0, 0]
    for position in 0..<12 {
      let sign = (map[2 * position] - map[2 * position + 1]).signum()
      sums[0] += 10 * sign + 1
      sums[1] += -20 * sign + 2
    }
    return sums.map { 0.25 * Float($0) }
  }
}
