// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// FPN of arXiv 1612.03144, by the names of mmdetection's and mmsegmentation's neck, whose convolutions have biases
// and neither norm nor activation:
//
//   tk = lateral_convs.k(C(k + start)) + nearest(t(k + 1))
//   Pk = fpn_convs.k(tk)
//
// Further fpn_convs, of stride 2, make further levels: the first reads C of the last stage, t or P of the last
// level, each other one the level before it.

/// The levels of a pyramid.
public struct FeaturePyramid {
  /// From the finest on.
  var levels: [Graph.ValueID]
  /// The stage that the first level is made of.
  let firstStage: Int

  /// What the first of the further levels reads.
  public enum ExtraInput: String, CaseIterable, Sendable {
    /// The last stage.
    case input = "on_input"
    /// The last level in front of its convolution.
    case lateral = "on_lateral"
    /// The last level.
    case output = "on_output"
  }

  /// Appends a neck.
  init(_ stages: inout StageMaps, _ builder: inout any NetworkBuilder) throws(NetworkError) {
    let lateral = { (k: Int) in "neck.lateral_convs.\(k)" },
      convolution = { (k: Int) in "neck.fpn_convs.\(k)" }
    let count = builder.count { builder.reader.has("\(lateral($0)).conv.weight") }
    guard (1...stages.count).contains(count) else {
      throw count == 0
        ? .missing(tensor: "\(lateral(0)).conv.weight", family: "FPN")
        : .unexpected(tensor: "\(lateral(stages.count)).conv.weight", family: "FPN")
    }
    firstStage = stages.count - count
    var sums: [Graph.ValueID] = []
    for k in stride(from: count - 1, through: 0, by: -1) {
      let stage = firstStage + k
      let matrix = try builder.reader.productModule(
        lateral(k), inputs: stages.shape(stage, builder).channels)
      sums.insert(
        try stages.product(
          stage, lateral(k),
          FloatPointwise(matrix: matrix, relu: false, residual: sums.isEmpty ? nil : .nearest),
          adding: sums.first, &builder), at: 0)
    }
    var levels: [Graph.ValueID] = []
    for k in 0..<count {
      levels.append(try Self.add(convolution(k), sums[k], stride: 1, &builder))
    }
    if builder.reader.has("\(convolution(count)).conv.weight") {
      let channels = try builder.reader.shape("\(convolution(count)).conv.weight", rank: 4)[1]
      let input = try Self.extraInput(
        channels, pyramid: builder.shape(sums[count - 1]).channels,
        stage: stages.shape(stages.count - 1, builder).channels, &builder)
      let source =
        switch input {
        case .input: try stages.map(stages.count - 1, &builder)
        case .lateral: sums[count - 1]
        case .output: levels[count - 1]
        }
      levels.append(try Self.add(convolution(count), source, stride: 2, &builder))
      while builder.reader.has("\(convolution(levels.count)).conv.weight") {
        levels.append(
          try Self.add(
            convolution(levels.count), levels[levels.count - 1], stride: 2, &builder))
      }
    }
    self.levels = levels
  }

  private static func add(
    _ name: String, _ input: Graph.ValueID, stride: Int, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    let (kernel, matrix) = try builder.reader.convolutionModule(
      name, inputs: builder.shape(input).channels)
    return try builder.graph.add(
      name,
      FloatConvolution(kernel: kernel, stride: stride, matrix: matrix, activation: .none), input)
  }

  /// What the first of the further levels reads, where its channels do not tell.
  private static func extraInput(
    _ channels: Int, pyramid: Int, stage: Int, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> ExtraInput {
    let fitting = ExtraInput.allCases.filter { channels == ($0 == .input ? stage : pyramid) }
    if let asked = builder.options.extraLevels { return asked }
    guard fitting.count > 1 else { return fitting.first ?? .output }
    let assumed = fitting.contains(.input) ? ExtraInput.input : .output
    builder.assumptions.append(
      Assumption(what: "further levels \(assumed.rawValue)", option: "--extra-levels"))
    return assumed
  }
}
