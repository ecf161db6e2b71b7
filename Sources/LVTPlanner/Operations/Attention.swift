// SPDX-License-Identifier: Apache-2.0
internal import CLVTFloat
internal import LVTModel

/// Multi-head attention.
struct FloatAttention: FloatOperation {
  /// Which positions a position attends to.
  enum Reach: Sendable {
    /// Those of its square window.
    ///
    /// `bias` has heads × (2 · edge − 1)² elements by key minus query in rows and columns, or none.
    case window(edge: Int, shift: WindowShift, bias: [Float])
    /// All of the map.
    case map
    /// 3 × 3 neighbours; the heads form groups of equal size, in group g the neighbours are g + 1 rows
    /// and columns apart.
    ///
    /// Keys and values outside the map are zeros and take part.
    case dilated(groups: Int)
    /// K × K neighbours; every channel is a head, and `bias` has what each adds to the score of a
    /// neighbour: neighbours in raster order, each with all channels.
    ///
    /// Keys and values outside the map are zeros and take part.
    case neighbours(kernel: Int, bias: [Float])
  }

  /// Which positions a position attends to.
  let reach: Reach
  /// Heads, which divide the channels.
  let heads: Int
  /// What makes weights of scores: ReLU and LayerNorm over the keys, with one γ and one β for each head;
  /// nil for softmax.
  let keyNorm: FloatNorm?
  /// In front.
  var norm: FloatNorm
  /// Queries, keys, values.
  var qkv: FloatMatrix
  /// Behind.
  var project: FloatMatrix

  /// What is added to scores, or nothing.
  var positionBiases: [Float] {
    switch reach {
    case .window(_, _, let bias), .neighbours(_, let bias): bias
    case .map, .dilated: []
    }
  }
  /// Channels.
  var channels: Int { qkv.inputs }
  /// Channels of a head.
  var headChannels: Int { channels / heads }
  /// Positions that each of `map` attends to.
  func keys(of map: Shape) -> Int {
    switch reach {
    case .window(let edge, _, _): edge * edge
    case .map: map.positions
    case .dilated: 9
    case .neighbours(let kernel, _): kernel * kernel
    }
  }
  /// What scores are multiplied with.
  var scale: Float { 1 / Float(headChannels).squareRoot() }

  var matrices: [FloatMatrix] { [qkv, project] }
  var parameters: Int {
    qkv.parameters + project.parameters + positionBiases.count + 2 * norm.gamma.count
      + 2 * (keyNorm?.gamma.count ?? 0)
  }
  var addedInput: Int? { 0 }

  func macs(to output: Shape) -> Int {
    output.positions * channels * (4 * channels + 2 * keys(of: output))
  }

  func outputShape(of inputs: [Shape]) -> Shape? {
    inputs.count == 1 && inputs[0].channels == channels ? inputs[0] : nil
  }

  func run(_ inputs: [FloatMap], to output: Shape, observe: Observer) -> [Float] {
    let normalized = norm.applied(to: inputs[0].values)
    observe(.normalized, normalized, channels)
    observe(.product(0), normalized, channels)
    let qkv = qkv.applied(to: normalized, rows: output.positions)
    // What pads a map has keys and values as well, which no position need have.
    let seen = isPadding(output) ? qkv + self.qkv.bias : qkv
    for (part, role) in [Point.Role.queries, .keys, .values].enumerated() {
      observe(role, self.part(part, of: seen), channels)
    }
    let attended = attended(qkv, output)
    observe(.attended, attended, channels)
    observe(.product(1), attended, channels)
    var result = project.applied(to: attended, rows: output.positions)
    lvtf_add(&result, inputs[0].values, result.count)
    return result
  }

  /// Whether windows reach beyond a map.
  func isPadding(_ map: Shape) -> Bool {
    guard case .window(let edge, _, _) = reach else { return false }
    return map.height % edge != 0 || map.width % edge != 0
  }

  mutating func subtractFromBias(_ shift: [Float]) -> Bool {
    project.subtractFromBias(shift)
    return true
  }
}
