// SPDX-License-Identifier: Apache-2.0
import LVTModel

@testable import LVTPlanner

/// Draws networks of any operations that fit each other: sums, values that several nodes read, several results.
struct RandomGraph {
  private var generator: SplitMix64
  private var graph: Graph
  /// Maps that a node may read.
  private var maps: [Graph.ValueID] = []

  /// The network of a seed.
  static func network(seed: UInt64) throws -> Network {
    var drawing = RandomGraph(seed: seed)
    return try drawing.network()
  }

  private init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
    graph = Graph(picture: Shape(height: 16, width: 16, channels: 3))
  }

  private mutating func network() throws -> Network {
    let patch = pick([2, 4]), channels = pick([8, 12, 16, 20])
    maps = [
      try graph.add(
        "embed",
        FloatPatchEmbed(
          patch: patch, matrix: matrix(3 * patch * patch, channels), norm: norm(channels)), 0)
    ]
    // 2 … 40 nodes with the embedding and the head.
    for number in 0..<integer(0...38) { try addNode("node \(number)") }
    try addOutputs()
    return Network(
      family: "random", inputSize: PictureSize(square: 16), mean: [0.5, 0.5, 0.5],
      deviation: [0.25, 0.25, 0.25], assumptions: [], graph: graph)
  }

  // MARK: Nodes

  private mutating func addNode(_ name: String) throws {
    // Mostly the latest value, so that graphs are deep; now and then an older one.
    let input = integer(0...3) == 0 ? pick(maps) : maps[maps.count - 1]
    let shape = graph.values[input].shape
    let alike = maps.filter { graph.values[$0].shape == shape }
    switch integer(0...9) {
    case 6 where integer(0...3) == 0:
      maps.append(try graph.add(name, FloatAdaptiveMean(bins: pick([1, 2, 3, 6])), input))
    case 0:
      let operation = FloatPointwise(
        matrix: matrix(shape.channels, pick([8, 12, 16, 20])), relu: flag(), residual: nil)
      maps.append(try graph.add(name, operation, input))
    case 1, 2:
      let operation = FloatPointwise(
        matrix: matrix(shape.channels, shape.channels, isAdded: true), relu: false,
        residual: Resampling.none)
      maps.append(try graph.add(name, operation, input, pick(alike)))
    case 3:
      let operation = FloatDepthwise(
        filter: filter(shape.channels), ending: flag() ? .addedInput : .relu)
      maps.append(try graph.add(name, operation, input))
    case 4: try addMergeOrConvolution(name, input, shape)
    case 5: maps.append(try graph.add(name, attention(shape), input))
    default:
      let hidden = pick([16, 24])
      let operation = FloatMLP(
        norm: flag() ? norm(shape.channels) : nil, expand: matrix(shape.channels, hidden),
        project: matrix(hidden, shape.channels, isAdded: true))
      maps.append(try graph.add(name, operation, input))
    }
  }

  private mutating func addMergeOrConvolution(
    _ name: String, _ input: Graph.ValueID, _ shape: Shape
  ) throws {
    let channels = pick([12, 16])
    if flag(), shape.height > 1 {
      let operation = FloatPatchMerge(
        norm: norm(4 * shape.channels), matrix: matrix(4 * shape.channels, channels))
      maps.append(try graph.add(name, operation, input))
    } else {
      let operation = FloatConvolution(
        kernel: 3, stride: pick([1, 2]), matrix: matrix(9 * shape.channels, channels),
        activation: pick([.none, .relu, .gelu]))
      maps.append(try graph.add(name, operation, input))
    }
  }

  private mutating func attention(_ shape: Shape) -> FloatAttention {
    let channels = shape.channels, heads = pick([1, 2, 4]), edge = pick([2, 3])
    let bias = (0..<heads * (2 * edge - 1) * (2 * edge - 1)).map { _ in value(0.5) }
    return FloatAttention(
      reach: flag()
        ? .map
        : .window(
          edge: edge, shift: WindowShift(rows: edge / 2, columns: 0, order: .padThenRoll),
          bias: bias),
      heads: heads, keyNorm: nil, norm: norm(channels), qkv: matrix(channels, 3 * channels),
      project: matrix(channels, channels, isAdded: true))
  }

  /// Classes or features of the latest map, and now and then maps themselves.
  private mutating func addOutputs() throws {
    let last = maps[maps.count - 1], channels = graph.values[last].shape.channels
    let classifier = flag() ? matrix(channels, 10) : nil
    let head = try graph.add(
      "head",
      FloatHead(
        norm: norm(channels), pooling: pick([.mean, .maximum]), classifier: classifier), last)
    graph.outputs = [
      Graph.Output(name: "head", kind: classifier == nil ? .map : .classes, value: head)
    ]
    for number in 0..<integer(0...3) {
      graph.outputs.append(
        Graph.Output(name: "map \(number)", kind: .map, value: pick(maps)))
    }
  }

  // MARK: Weights

  /// Weights that keep the size of what they multiply, or halve it: what is added to a stream is smaller than
  /// the stream, as in trained networks, so that sums do not cancel.
  private mutating func matrix(
    _ inputs: Int, _ outputs: Int, isAdded: Bool = false
  ) -> FloatMatrix {
    let size = Float(3 / Double(inputs)).squareRoot() * (isAdded ? 0.5 : 1)
    return FloatMatrix(
      inputs: inputs, outputs: outputs, weights: (0..<inputs * outputs).map { _ in value(size) },
      bias: (0..<outputs).map { _ in value(0.1) })
  }

  /// Mostly a position itself: smooth maps under taps of any sign would cancel.
  private mutating func filter(_ channels: Int) -> FloatFilter {
    let kernel = pick([3, 5]), middle = kernel * kernel / 2
    return FloatFilter(
      kernel: kernel, channels: channels,
      weights: (0..<kernel * kernel * channels).map {
        ($0 / channels == middle ? 1 : 0) + value(0.8 / Float(kernel))
      },
      bias: (0..<channels).map { _ in value(0.1) })
  }

  private mutating func norm(_ channels: Int) -> FloatNorm {
    FloatNorm(
      gamma: (0..<channels).map { _ in 1 + value(0.3) },
      beta: (0..<channels).map { _ in value(0.3) }, epsilon: 1e-5)
  }

  private mutating func value(_ size: Float) -> Float {
    Float.random(in: -size...size, using: &generator)
  }
  private mutating func integer(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }
  private mutating func flag() -> Bool { Bool.random(using: &generator) }
  private mutating func pick<T>(_ items: [T]) -> T { items[integer(0...items.count - 1)] }

  /// Seeded pictures of the input's size: smooth, with noise.
  static func pictures(_ count: Int, seed: UInt64) -> [[UInt8]] {
    (0..<count).map { number in
      var generator = SplitMix64(seed: seed &* 1000 &+ UInt64(number))
      let slopes = (0..<9).map { _ in Double.random(in: -6...6, using: &generator) }
      return (0..<16 * 16 * 3).map { i in
        let x = Double(i / 3 % 16 - 8), y = Double(i / 48 - 8), colour = i % 3
        let smooth = 128 + slopes[3 * colour] * x + slopes[3 * colour + 1] * y + 4 * slopes[8]
        return UInt8(max(0, min(255, smooth + Double.random(in: -25...25, using: &generator))))
      }
    }
  }
}
