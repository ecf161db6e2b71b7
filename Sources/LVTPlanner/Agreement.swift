// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel
public import LVTRuntime

/// How near a plan's results are to the float network's.
public struct Agreement: Sendable {
  /// Pictures compared.
  public private(set) var pictures = 0
  /// Pictures on which both name the same class.
  public private(set) var sameTop = 0
  /// Σ float² and Σ (float − int8)² of each result.
  private var signals: [Double] = []
  private var noises: [Double] = []

  /// Σ float² / Σ (float − int8)² over all logits, or over the values of the result of which it is least, in
  /// decibels.
  public var decibels: Double { decibelsOfOutputs.min() ?? LVTPlanner.decibels(0, 0) }

  /// The same for each result.
  public var decibelsOfOutputs: [Double] {
    zip(signals, noises).map { LVTPlanner.decibels($0, $1) }
  }

  /// The share of pictures with the same class.
  public var share: Double { Double(sameTop) / Double(max(1, pictures)) }

  /// Threads of the engines that run plans on pictures.
  static var threads: Int { max(1, min(4, ProcessInfo.processInfo.activeProcessorCount)) }

  /// Nothing compared yet.
  public init() {}

  /// Compares the logits of one picture.
  public mutating func add(float: [Float], plan: UnsafeBufferPointer<Float>) {
    pictures += 1
    add(float, Array(plan), output: 0)
    if decision(float) == decision(Array(plan)) { sameTop += 1 }
  }

  /// Compares the results of one picture.
  public mutating func add(float: [[Float]], plan: [EngineOutput]) {
    pictures += 1
    for (i, output) in plan.enumerated() {
      let values = output.values
      add(float[i], values, output: i)
      if output.kind == .classes, decision(float[i]) == decision(values) { sameTop += 1 }
    }
  }

  private mutating func add(_ float: [Float], _ plan: [Float], output: Int) {
    while signals.count <= output {
      signals.append(0)
      noises.append(0)
    }
    for (a, b) in zip(float, plan) {
      signals[output] += Double(a) * Double(a)
      noises[output] += Double(a - b) * Double(a - b)
    }
  }

  /// Adds what was compared elsewhere.
  mutating func add(_ other: Agreement) {
    pictures += other.pictures
    sameTop += other.sameTop
    for i in other.signals.indices {
      if i == signals.count {
        signals.append(0)
        noises.append(0)
      }
      signals[i] += other.signals[i]
      noises[i] += other.noises[i]
    }
  }

  /// Runs a plan on pictures whose float results are known.
  init(
    plan: Plan, pictures: [[UInt8]], float: [[[Float]]]
  ) throws(PlannerError) {
    self.init()
    do throws(EngineError) {
      let engine = try Engine(plan: plan, threads: Self.threads)
      for (i, picture) in pictures.enumerated() {
        engine.run(picture: picture)
        add(float: float[i], plan: engine.outputs)
      }
    } catch { throw .engine(error) }
  }

  /// What a plan keeps of it.
  func provenance(of outputs: [PlanOutput]) -> [(key: String, value: String)] {
    func text(_ decibels: Double) -> String { String(format: "%.1f dB", decibels) }
    var entries: [(key: String, value: String)] = [
      (key: "calibration.pictures", value: "\(pictures)"),
      (key: "calibration.sqnr", value: text(decibels)),
    ]
    if outputs.count > 1 {
      for (output, decibels) in zip(outputs, decibelsOfOutputs) {
        entries.append((key: "calibration.sqnr.\(output.name)", value: text(decibels)))
      }
    }
    if outputs.contains(where: { $0.kind == .classes }) {
      entries.append(
        (key: "calibration.agreement", value: String(format: "%.1f %%", 100 * share)))
    }
    return entries
  }
}

/// The class that logits name: the index of the greatest, the first of equals.
///
/// A single logit, trained with a binary loss, names class 1 where it is positive, else class 0.
func decision(_ values: [Float]) -> Int {
  if values.count == 1 { return values[0] > 0 ? 1 : 0 }
  var best = 0
  for i in values.indices where values[i] > values[best] { best = i }
  return best
}

extension Engine {
  /// Runs on a picture of the input's size.
  func run(picture: [UInt8]) {
    withPicture { $0.copyBytes(from: picture) }
    run()
  }
}
