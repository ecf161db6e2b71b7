// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTPlanner
import LVTTestSupport
import Testing

/// A small trained network of each family against PyTorch, and as a plan.
@Suite struct TrainedNetworkTests {
  struct Family: CustomTestStringConvertible, Sendable {
    let name: String
    /// What the plan's logits must keep, in decibels.
    let decibels: Double
    var testDescription: String { name }
  }

  static let families = [
    Family(name: "dwnet", decibels: 33), Family(name: "dynamic_dwnet", decibels: 30),
    Family(name: "inhomogeneous_dwnet", decibels: 25), Family(name: "swin", decibels: 30),
    Family(name: "dilateformer", decibels: 30), Family(name: "depthwise_vit", decibels: 25),
  ]

  private static let folder = fixtures + "/networks/"

  private func network(_ family: Family) throws -> Network {
    let path =
      family.name == "dwnet"
      ? repository + "/tools/demo/model.safetensors" : Self.folder + family.name + ".safetensors"
    var options = Network.Options()
    options.inputSize = PictureSize(square: 64)
    return try Network(try Checkpoint.read(path: path), options: options)
  }

  private func pictures(_ folder: String, limit: Int) throws -> [[UInt8]] {
    let loader = try PictureLoader(
      InputSpec(width: 64, height: 64, interpolation: .bilinear))
    return try loader.load(folder: repository + "/tools/demo/" + folder, limit: limit) { _ in }
  }

  @Test(arguments: families)
  func floatLogitsAreThoseOfPyTorch(family: Family) throws {
    let executor = FloatExecutor(try network(family))
    let reference = try Checkpoint.read(path: Self.folder + family.name + "-logits.safetensors")
    let expected = try #require(reference.tensors["logits"]?.values)
    let logits = try pictures("pictures", limit: 100).flatMap {
      executor.logits(executor.normalized($0))
    }
    #expect(logits.count == expected.count && expected.count == 120)
    for (a, b) in zip(logits, expected) { #expect(abs(a - b) < 2e-3) }
  }

  /// The demo's pictures are not among those that the plan is calibrated on.
  @Test(arguments: families)
  func planIsNearTheFloatNetwork(family: Family) throws {
    let network = try network(family)
    var options = Planner.Options()
    options.residual = .int8
    let compiled = try Planner(options: options).compile(
      network, pictures: pictures("calibration", limit: 64))
    let executor = FloatExecutor(network)
    var agreement = Agreement()
    for picture in try pictures("pictures", limit: 100) {
      let logits = try runPlan(compiled.plan, picture, threads: 2)
      logits.withUnsafeBufferPointer {
        agreement.add(float: executor.logits(executor.normalized(picture)), plan: $0)
      }
    }
    #expect(agreement.decibels >= family.decibels, "\(agreement.decibels)")
    #expect(compiled.arenaIsOptimal)
  }
}
