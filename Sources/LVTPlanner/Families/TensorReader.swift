// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Why a checkpoint is no network that can be planned.
public enum NetworkError: Error, Equatable, Sendable {
  /// No supported architecture has these tensors; `tensor` is one that fits none.
  case unknownFamily(tensor: String)
  /// The tensors have the names that another library gives them.
  case foreignNames(tensor: String, library: String)
  /// A tensor that the architecture needs.
  case missing(tensor: String, family: String)
  /// A tensor that the architecture does not have.
  case unexpected(tensor: String, family: String)
  /// A tensor of a network that is like the supported ones, but not one of them; in words.
  case unsupported(tensor: String, network: String)
  /// A tensor of another shape than the rest of the network asks for.
  case wrongShape(tensor: String, expected: String, found: [Int])
  /// A NaN or an infinity in the weights, or in what BatchNorm makes of them.
  case notFinite(tensor: String, index: Int)
  /// A variance that is negative.
  case variance(tensor: String, index: Int, found: Float)
  /// Heads that do not divide a stage's channels, or, `groups` being more than 1, into such groups; or
  /// heads for another number of stages.
  case heads(found: [Int], stage: Int, channels: Int, groups: Int)
  /// An option that says nothing of this architecture.
  case option(name: String, family: String)
  /// The input size does not fit the architecture.
  case inputSize(found: PictureSize, multipleOf: Int)
  /// A layer that cannot read values of such extents.
  case operands(layer: String, found: [Shape])
  /// Windows that are longer than the map, which the code of these tensors would have made smaller, with
  /// another table of biases.
  case windowBeyondMap(tensor: String, window: Int, map: Shape, code: SwinWindows)
}

extension NetworkError: CustomStringConvertible {
  /// One line, naming the tensor.
  public var description: String {
    switch self {
    case .unknownFamily(let tensor):
      "no supported network: the first tensor that fits none is '\(tensor)'"
    case .foreignNames(let tensor, let library):
      "tensor '\(tensor)' is named as \(library) names it; timm has the same networks: in Python: "
        + "import timm, torch; torch.save(timm.create_model('swin_tiny_patch4_window7_224', "
        + "pretrained=True).state_dict(), 'new.pth')"
    case .missing(let tensor, let family): "the \(family) network lacks tensor '\(tensor)'"
    case .unexpected(let tensor, let family):
      "tensor '\(tensor)' is not part of a \(family) network"
    case .unsupported(let tensor, let network):
      "tensor '\(tensor)' is part of \(network), which is not supported"
    case .wrongShape(let tensor, let expected, let found):
      "tensor '\(tensor)': expected shape \(expected), found \(found)"
    case .notFinite(let tensor, let index):
      "tensor '\(tensor)': element \(index) is NaN or infinite"
    case .variance(let tensor, let index, let found):
      "tensor '\(tensor)': expected variances of at least 0, found \(found) at element \(index)"
    case .heads(let found, let stage, let channels, let groups):
      "heads \(found): expected a divisor of stage \(stage)'s \(channels) channels"
        + (groups > 1 ? " that is a multiple of \(groups)" : "")
    case .option(let name, let family): "\(name) is of no use for a \(family)"
    case .inputSize(let found, let multiple):
      "input size \(found): expected multiples of \(multiple), the network's patch, merges and windows"
    case .operands(let layer, let found):
      "layer '\(layer)' cannot read \(found.map { "\($0)" }.joined(separator: " and "))"
    case .windowBeyondMap(let tensor, let window, let map, let code):
      "tensor '\(tensor)' is of windows of \(window)×\(window), but the map has \(map.height)×\(map.width) "
        + "positions, to which the code '\(code.rawValue)' shrinks them: choose a larger --input, or "
        + "--windows \(SwinWindows.timmAlwaysPartition.rawValue) or \(SwinWindows.originalDense.rawValue)"
    }
  }
}

/// Takes tensors out of a checkpoint by name, checks shape and values, and knows what is left over.
struct TensorReader {
  let family: String
  private let tensors: [String: FloatTensor]
  private var taken: Set<String> = []

  init(_ checkpoint: Checkpoint, family: String) {
    tensors = checkpoint.tensors
    self.family = family
  }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  /// The first tensor by name, of those whose names start so.
  func first(startingWith prefix: String) -> String? {
    tensors.keys.filter { $0.hasPrefix(prefix) }.min()
  }

  /// Dimensions of a tensor, or nil if there is none.
  func rank(_ name: String) -> Int? { tensors[name]?.shape.count }

  /// The shape of a tensor, which must exist and have `rank` dimensions, all of them positive.
  func shape(_ name: String, rank: Int) throws(NetworkError) -> [Int] {
    guard let tensor = tensors[name] else { throw .missing(tensor: name, family: family) }
    guard tensor.shape.count == rank,
      tensor.shape.allSatisfy({ (1...PlanLimits.columns).contains($0) })
    else {
      throw .wrongShape(tensor: name, expected: "of \(rank) dimensions", found: tensor.shape)
    }
    return tensor.shape
  }

  /// The values of a tensor of exactly this shape.
  mutating func values(_ name: String, _ shape: [Int]) throws(NetworkError) -> [Float] {
    guard let tensor = tensors[name] else { throw .missing(tensor: name, family: family) }
    guard tensor.shape == shape else {
      throw .wrongShape(tensor: name, expected: "\(shape)", found: tensor.shape)
    }
    if let index = tensor.firstNonFinite { throw .notFinite(tensor: name, index: index) }
    taken.insert(name)
    return tensor.values
  }

  /// `name.weight` and `name.bias` of a linear layer, or of a 1 × 1 convolution if `convolution`.
  mutating func matrix(
    _ name: String, inputs: Int, outputs: Int, convolution: Bool = false, bias: Bool
  ) throws(NetworkError) -> FloatMatrix {
    let shape = convolution ? [outputs, inputs, 1, 1] : [outputs, inputs]
    return FloatMatrix(
      inputs: inputs, outputs: outputs, weights: try values(name + ".weight", shape),
      bias: bias
        ? try values(name + ".bias", [outputs]) : [Float](repeating: 0, count: outputs))
  }

  /// `name.weight` and `name.bias` of a depth-wise convolution.
  mutating func filter(_ name: String, channels: Int) throws(NetworkError) -> FloatFilter {
    let shape = try shape(name + ".weight", rank: 4)
    let kernel = shape[2]
    try requireKernel(kernel, name + ".weight", shape)
    let taps = kernel * kernel
    let weights = try values(name + ".weight", [channels, 1, kernel, kernel])
    var filter = FloatFilter(
      kernel: kernel, channels: channels, weights: weights,
      bias: try values(name + ".bias", [channels]))
    for c in 0..<channels {
      for tap in 0..<taps { filter.weights[tap * channels + c] = weights[c * taps + tap] }
    }
    return filter
  }

  /// `name.weight` of a convolution with a square kernel, and `name.bias` if `bias`, as a matrix with
  /// inputs in the order row, column, channel.
  mutating func convolution(
    _ name: String, inputs: Int, bias: Bool
  ) throws(NetworkError) -> (kernel: Int, matrix: FloatMatrix) {
    let shape = try shape(name + ".weight", rank: 4)
    let outputs = shape[0], kernel = shape[2], taps = kernel * kernel
    try requireKernel(kernel, name + ".weight", shape)
    let weights = try values(name + ".weight", [outputs, inputs, kernel, kernel])
    var ordered = weights
    for o in 0..<outputs {
      for c in 0..<inputs {
        for tap in 0..<taps {
          ordered[(o * taps + tap) * inputs + c] = weights[(o * inputs + c) * taps + tap]
        }
      }
    }
    let matrix = FloatMatrix(
      inputs: taps * inputs, outputs: outputs, weights: ordered,
      bias: bias ? try values(name + ".bias", [outputs]) : [Float](repeating: 0, count: outputs))
    return (kernel, matrix)
  }

  func requireKernel(_ kernel: Int, _ tensor: String, _ shape: [Int]) throws(NetworkError) {
    guard kernel % 2 == 1, kernel <= 15 else {
      throw .wrongShape(
        tensor: tensor, expected: "with an odd window of at most 15", found: shape)
    }
  }

  mutating func norm(
    _ name: String, channels: Int, epsilon: Float = 1e-5
  ) throws(NetworkError) -> FloatNorm {
    FloatNorm(
      gamma: try values(name + ".weight", [channels]), beta: try values(name + ".bias", [channels]),
      epsilon: epsilon)
  }

  mutating func batchNorm(_ name: String, channels: Int) throws(NetworkError) -> BatchNorm {
    let variance = try values(name + ".running_var", [channels])
    if let index = variance.firstIndex(where: { $0 < 0 }) {
      throw .variance(tensor: name + ".running_var", index: index, found: variance[index])
    }
    let norm = BatchNorm(
      gamma: try values(name + ".weight", [channels]), beta: try values(name + ".bias", [channels]),
      mean: try values(name + ".running_mean", [channels]), variance: variance)
    if let index = zip(norm.scale, norm.shift).map({ $0 + $1 }).firstIndex(where: { !$0.isFinite })
    {
      throw .notFinite(tensor: name + ".weight", index: index)
    }
    return norm
  }

  /// Leaves tensors alone that the network does without.
  mutating func ignore(_ isIgnored: (String) -> Bool) {
    taken.formUnion(tensors.keys.filter(isIgnored))
  }

  /// No tensor may be left but counters and tables that the architecture makes itself.
  func end() throws(NetworkError) {
    let left = tensors.keys.filter { !taken.contains($0) && !NetworkNames.isIgnored($0) }
    if let first = left.min() { throw .unexpected(tensor: first, family: family) }
  }
}

/// BatchNorm of inference: `y = (x − mean) / √(variance + 1e-5) · gamma + beta`, a scale and a shift.
struct BatchNorm {
  let scale: [Float]
  let shift: [Float]

  init(gamma: [Float], beta: [Float], mean: [Float], variance: [Float]) {
    var scale = gamma, shift = beta
    for c in gamma.indices {
      scale[c] = Float(Double(gamma[c]) / (Double(variance[c]) + 1e-5).squareRoot())
      shift[c] = Float(Double(beta[c]) - Double(mean[c]) * Double(scale[c]))
    }
    self.scale = scale
    self.shift = shift
  }
}

extension FloatFilter {
  /// The filter followed by a BatchNorm.
  func followed(by norm: BatchNorm) -> FloatFilter {
    var result = self
    result.scaleOutputs(norm.scale)
    for c in bias.indices { result.bias[c] += norm.shift[c] }
    return result
  }
}

extension FloatDynamicFilter {
  /// The filter followed by a BatchNorm.
  func followed(by norm: BatchNorm) -> FloatDynamicFilter {
    var result = self
    result.scaleOutputs(norm.scale)
    for c in bias.indices { result.bias[c] += norm.shift[c] }
    return result
  }
}

extension FloatInhomogeneousFilter {
  /// The filter followed by a BatchNorm.
  func followed(by norm: BatchNorm) -> FloatInhomogeneousFilter {
    var result = self
    result.scaleOutputs(norm.scale)
    for c in bias.indices { result.bias[c] += norm.shift[c] }
    return result
  }
}

extension FloatMatrix {
  /// The map followed by a BatchNorm.
  func followed(by norm: BatchNorm) -> FloatMatrix {
    var result = self
    result.scaleOutputs(norm.scale)
    for o in 0..<outputs { result.bias[o] += norm.shift[o] }
    return result
  }

  /// A BatchNorm followed by the map.
  func preceded(by norm: BatchNorm) -> FloatMatrix {
    var result = self
    for o in 0..<outputs {
      var sum = Double(bias[o])
      for i in 0..<inputs { sum += Double(weights[o * inputs + i]) * Double(norm.shift[i]) }
      result.bias[o] = Float(sum)
    }
    result.scaleInputs(norm.scale)
    return result
  }
}
