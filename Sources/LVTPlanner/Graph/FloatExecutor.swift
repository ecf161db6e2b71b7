// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// Runs a network in float32.
public struct FloatExecutor: Sendable {
  /// What runs.
  public let network: Network

  /// An executor of a network.
  public init(_ network: Network) { self.network = network }

  /// The normalised picture of RGB bytes, height × width × 3.
  public func normalized(_ picture: [UInt8]) -> [Float] {
    let ofByte = (0..<3).map { colour in
      (0..<256).map { (Float($0) / 255 - network.mean[colour]) / network.deviation[colour] }
    }
    let (reds, greens, blues) = (ofByte[0], ofByte[1], ofByte[2])
    return [Float](unsafeUninitializedCapacity: picture.count) { values, count in
      for i in stride(from: 0, to: picture.count, by: 3) {
        values[i] = reds[Int(picture[i])]
        values[i + 1] = greens[Int(picture[i + 1])]
        values[i + 2] = blues[Int(picture[i + 2])]
      }
      count = picture.count
    }
  }

  /// The results of a normalised picture, height × width × 3, each positions × channels.
  ///
  /// - Parameter observe: Called with the values at each point, positions × channels.
  public func outputs(
    _ picture: [Float], observe: (Point, [Float], _ channels: Int) -> Void = { _, _, _ in }
  ) -> [[Float]] {
    results(picture, observe: observe).outputs
  }

  /// The same, and the values that say how near a plan is.
  ///
  /// A value is kept until the last node that reads it has run.
  func results(
    _ picture: [Float], observe: (Point, [Float], _ channels: Int) -> Void = { _, _, _ in }
  ) -> FloatResults {
    let graph = network.graph, lastUses = graph.lastUses
    let compared = network.compared.map { $0.value }
    var values = [[Float]](repeating: [], count: graph.values.count)
    values[0] = picture
    for (i, node) in graph.nodes.enumerated() {
      let inputs = node.inputs.map {
        FloatMap(values: values[$0], shape: graph.values[$0].shape)
      }
      let shape = graph.values[node.output].shape
      values[node.output] = node.operation.run(inputs, to: shape) { role, values, channels in
        observe(Point(value: node.output, role: role), values, channels)
      }
      observe(
        Point(value: node.output, role: .output), values[node.output], shape.channels)
      for input in node.inputs
      where lastUses[input] == i && !graph.isOutput(input) && !compared.contains(input) {
        values[input] = []
      }
    }
    return FloatResults(
      outputs: graph.outputs.map { values[$0.value] }, compared: compared.map { values[$0] })
  }

  /// What the result of a detector or a segmenter is made of: class and box maps of each level, or the logits
  /// of positions.
  public func rawMaps(_ picture: [Float]) -> [RawMap] {
    let graph = network.graph
    var maps: [RawMap] = []
    let results = results(picture) { point, values, channels in
      guard case (let name, let level)? = point.role.rawLevel,
        let node = graph.values[point.value].producer.map({ graph.nodes[$0] })
      else { return }
      var shape = graph.values[node.inputs[level]].shape
      shape.channels = channels
      maps.append(RawMap(name: "\(name)\(level)", shape: shape, values: values))
    }
    guard maps.isEmpty else { return maps }
    return zip(network.compared, results.compared).map {
      RawMap(name: "logits", shape: graph.values[$0.value].shape, values: $1)
    }
  }

  /// The first result of a normalised picture: the logits of a network that has classes.
  public func logits(_ picture: [Float]) -> [Float] { outputs(picture)[0] }

  /// The name of the first layer that makes a NaN or an infinity of a normalised picture, or nil.
  public func firstNotFinite(_ picture: [Float]) -> String? {
    var first: Int?
    _ = outputs(picture) { point, values, _ in
      if first == nil, values.contains(where: { !$0.isFinite }) { first = point.value }
    }
    return first.flatMap { network.graph.name(of: $0) }
  }
}

/// A map of the float network, positions × channels.
public struct RawMap: Sendable {
  /// What it is called.
  public let name: String
  /// Its extents.
  public let shape: Shape
  /// Its values.
  public let values: [Float]

  /// A map.
  public init(name: String, shape: Shape, values: [Float]) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}

extension Point.Role {
  /// Of a level's raw maps, what they are called and the level.
  fileprivate var rawLevel: (String, Int)? {
    switch self {
    case .classLogits(let level): ("classes", level)
    case .boxOffsets(let level): ("boxes", level)
    default: nil
    }
  }
}

/// What the float network makes of a picture.
struct FloatResults: Sendable {
  /// The results.
  let outputs: [[Float]]
  /// The values of ``Network/compared``.
  let compared: [[Float]]
}

extension Graph {
  /// Whether a value is a result.
  func isOutput(_ value: ValueID) -> Bool { outputs.contains { $0.value == value } }

  /// The name of the node that makes a value.
  func name(of value: ValueID) -> String? { values[value].producer.map { nodes[$0].name } }
}
