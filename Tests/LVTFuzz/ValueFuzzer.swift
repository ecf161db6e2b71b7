// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTRuntime
import LVTTestSupport

@testable import LVTPlanner

extension Fuzzer {
  /// The input's bytes choose a network and what becomes of its tensors.
  static let values = Fuzzer(
    name: "values", summary: "networks with extreme weights, compiled and verified", longest: 64,
    run: { input in
      let mutation = ValueMutation(Entropy(input))
      let compiled: CompiledPlan
      do {
        compiled = try mutation.compile()
      } catch PlannerError.inconsistent(let what) {
        throw Finding(description: "\(mutation): the planner's check failed: \(what)")
      } catch {
        guard error is PlannerError || error is NetworkError else { throw error }
        _ = "\(error)"
        return
      }
      for isa in ISA.available {
        let engine = try Engine(plan: compiled.plan, threads: isa == .best ? 2 : 1, isa: isa)
        if let step = engine.firstMismatch() {
          throw Finding(description: "\(mutation): step \(step) differs on \(isa.name)")
        }
      }
    })
}

/// A tiny network of some family, some of whose weights are extreme.
private struct ValueMutation: CustomStringConvertible {
  private var network: TinyNetwork
  private var checkpoint: Checkpoint
  private var changes: [String] = []

  private static let networks: [TinyNetwork] = [
    TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .depthwiseViT,
    .dilateFormer, paddedSwin,
  ]

  /// Windows that do not divide the map.
  private static var paddedSwin: TinyNetwork {
    var network = TinyNetwork.swin
    network.input = 20
    return network
  }

  private static let extremes: [Float] = [
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e30, 1e20, 1e15, 1e10, -1e5, 65504, 0,
    .leastNormalMagnitude, .leastNonzeroMagnitude, .nan, .infinity,
  ]
  private static let factors: [Float] = [1e38, 1e30, 1e20, 1e6, 1e-30, 1e-40, -1]

  init(_ entropy: Entropy) {
    network = entropy.element(of: Self.networks)
    network.residual = entropy.element(of: [.int8, .auto])
    network.seed = UInt64(entropy.integer(in: 1...4))
    checkpoint = network.checkpoint()
    let names = checkpoint.tensors.keys.sorted()
    for _ in 0..<entropy.element(of: [1, 1, 1, 2, 3]) {
      alter(entropy.element(of: names), entropy)
    }
  }

  private mutating func alter(_ name: String, _ entropy: Entropy) {
    guard let tensor = checkpoint.tensors[name] else { return }
    var values = tensor.values
    let value = entropy.element(of: Self.extremes)
    switch entropy.integer(in: 0...3) {
    case 0:
      values[entropy.integer(in: 0...min(values.count, 1 << 16) - 1)] = value
      changes.append("one of \(name) = \(value)")
    case 1:
      let factor = entropy.element(of: Self.factors)
      values = values.map {
        max(-.greatestFiniteMagnitude, min(.greatestFiniteMagnitude, $0 * factor))
      }
      changes.append("\(name) · \(factor)")
    default:
      values = values.map { _ in value }
      changes.append("\(name) = \(value)")
    }
    checkpoint.tensors[name] = FloatTensor(shape: tensor.shape, values: values)
  }

  func compile() throws -> CompiledPlan {
    var options = Planner.Options()
    options.residual = network.residual
    return try Planner(options: options).compile(
      network.network(of: checkpoint), pictures: network.pictures(2))
  }

  var description: String { "\(network.seed), \(changes.joined(separator: "; "))" }
}
