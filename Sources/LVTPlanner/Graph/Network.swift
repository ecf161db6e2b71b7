// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// A network after its BatchNorms are folded: the steps of a plan, still in float32.
public struct Network: Sendable {
  /// The architecture's name.
  public let family: String
  /// The input picture.
  public let inputSize: PictureSize
  /// Mean of each colour, pixels being 0 … 1.
  public let mean: [Float]
  /// Deviation of each colour.
  public let deviation: [Float]
  /// What the tensors did not tell.
  public let assumptions: [Assumption]
  /// What it computes.
  var graph: Graph

  /// What a plan keeps of how pixels become values.
  var pixelProvenance: [(key: String, value: String)] {
    [("pixels.mean", mean), ("pixels.deviation", deviation)].map { key, values in
      (key: key, value: values.map { "\($0)" }.joined(separator: ", "))
    }
  }

  /// The steps of its plan.
  public var stepCount: Int { graph.nodes.count }

  /// What its first result says.
  public var kind: PlanOutput.Kind { graph.outputs.first?.kind ?? .map }

  /// Whether it is an R-CNN, which looks for objects in regions.
  public var isTwoStage: Bool { graph.nodes.contains { $0.operation is FloatProposals } }

  /// Whether it finds the pixels of objects, not their boxes alone.
  public var hasMasks: Bool { graph.outputs.contains { $0.kind == .masks } }

  /// Classes; 0 for a network of features alone.
  public var classCount: Int { graph.outputs.map { classCount(of: $0) }.max() ?? 0 }

  private func classCount(of output: Graph.Output) -> Int {
    let value = graph.values[output.value]
    let node = value.producer.map { graph.nodes[$0] }
    switch output.kind {
    case .map, .masks: return 0
    case .classes: return value.shape.channels
    case .pixelClasses:
      return (node?.inputs.first).map { graph.values[$0].shape.channels } ?? 0
    case .detections: return node?.operation.classesOfBoxes ?? 0
    }
  }

  /// What its results are called, and their extents.
  public var results: [(name: String, shape: Shape)] {
    graph.outputs.map { (name: $0.name, shape: graph.values[$0.value].shape) }
  }

  /// The values by which a plan is compared with the network: results, or, where a result only names what
  /// others say, those.
  var compared: [(name: String, value: Int)] {
    var all: [(name: String, value: Int)] = []
    func add(_ value: Graph.ValueID, _ name: String) {
      if let node = graph.values[value].producer.map({ graph.nodes[$0] }),
        node.operation.namesItsInputs
      {
        for input in node.inputs { add(input, graph.name(of: input) ?? "") }
      } else if !all.contains(where: { $0.value == value }) {
        all.append((name: name, value: value))
      }
    }
    for output in graph.outputs { add(output.value, output.name) }
    return all
  }

  /// Multiplications of one run.
  public var macs: Int {
    graph.nodes.reduce(0) { total, node in
      total
        + node.operation.macs(
          of: node.inputs.map { graph.values[$0].shape }, to: graph.values[node.output].shape)
    }
  }

  /// Weights and biases, after folding.
  public var parameters: Int { graph.nodes.reduce(0) { $0 + $1.operation.parameters } }

  /// Refuses what no plan can hold, before the time that calibration takes.
  func checkLimits() throws(PlannerError) {
    for (i, node) in graph.nodes.enumerated() {
      func require(_ found: Int, _ most: Int, _ what: String) throws(PlannerError) {
        guard found <= most else {
          throw .limit(layer: node.name, expected: "at most \(most) \(what)", found: "\(found)")
        }
      }
      try require(i + 2, PlanLimits.entries, "layers")
      let output = graph.values[node.output].shape, isFloat = node.operation.fixedType == .float32
      try require(max(output.width, output.height), PlanLimits.extent, "rows or columns")
      try require(
        output.channels, PlanLimits.channels(of: isFloat ? .float32 : .int8),
        isFloat ? "classes" : "channels")
      for matrix in node.operation.matrices {
        try require(matrix.inputs, PlanLimits.k, "inputs of a product")
        try require(matrix.outputs, PlanLimits.columns, "outputs of a product")
      }
    }
  }
}
