// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
internal import LVTModel
internal import LVTRuntime

/// How near a plan's results are to the float network's.
public struct Agreement: Sendable {
  /// Pictures compared.
  public private(set) var pictures = 0
  /// Decisions that were compared, and those that are the same: classes of pictures, classes of pixels, boxes.
  private var decisions = 0.0, same = 0.0
  /// Σ float² and Σ (float − int8)² of each value that is compared.
  private var signals: [Double] = []
  private var noises: [Double] = []

  /// Σ float² / Σ (float − int8)² over all logits, or over the value that is compared of which it is least, in
  /// decibels.
  public var decibels: Double { decibelsOfValues.min() ?? LVTPlanner.decibels(0, 0) }

  /// The same for each value that is compared.
  public var decibelsOfValues: [Double] {
    zip(signals, noises).map { LVTPlanner.decibels($0, $1) }
  }

  /// The share of decisions that are the same: pictures with the same class, pixels with the same class, or
  /// boxes that both have.
  public var share: Double { decisions > 0 ? same / decisions : 0 }

  /// Whether any decisions were compared: there are none of features, or where no boxes are.
  var hasDecisions: Bool { decisions > 0 }

  /// Threads of the engines that make golden vectors.
  static var threads: Int { max(1, min(4, ProcessInfo.processInfo.activeProcessorCount)) }

  /// Nothing compared yet.
  public init() {}

  /// Compares the logits of one picture.
  public mutating func add(float: [Float], plan: UnsafeBufferPointer<Float>) {
    pictures += 1
    add(float, Array(plan), value: 0)
    addDecision(.classes, float: float, plan: Array(plan))
  }

  /// Compares the results of one picture with those of the engine's last run.
  ///
  /// - Parameter compared: The values of ``Network/compared`` in that run; none to compare results only.
  mutating func add(_ float: FloatResults, _ engine: Engine, compared: ComparedValues? = nil) {
    pictures += 1
    for (i, values) in (compared?.values ?? []).enumerated() {
      add(float.compared[i], values, value: i)
    }
    for (output, values) in zip(engine.outputs, float.outputs) where output.kind != .map {
      addDecision(output.kind, float: values, plan: output.values)
    }
  }

  private mutating func addDecision(_ kind: PlanOutput.Kind, float: [Float], plan: [Float]) {
    switch kind {
    case .map, .masks: break
    case .classes:
      decisions += 1
      same += decision(float) == decision(plan) ? 1 : 0
    case .pixelClasses:
      decisions += Double(float.count)
      same += Double(zip(float, plan).count { $0 == $1 })
    case .detections:
      let (a, b) = (Detection.found(float), Detection.found(plan))
      decisions += Double(a.count + b.count) / 2
      same += Double(a.matches(b))
    }
  }

  private mutating func add(_ float: [Float], _ plan: [Float], value: Int) {
    makeRoom(for: value)
    for (a, b) in zip(float, plan) {
      signals[value] += Double(a) * Double(a)
      noises[value] += Double(a - b) * Double(a - b)
    }
  }

  private mutating func makeRoom(for value: Int) {
    while signals.count <= value {
      signals.append(0)
      noises.append(0)
    }
  }

  /// Adds what was compared elsewhere.
  mutating func add(_ other: Agreement) {
    pictures += other.pictures
    decisions += other.decisions
    same += other.same
    for value in other.signals.indices {
      makeRoom(for: value)
      signals[value] += other.signals[value]
      noises[value] += other.noises[value]
    }
  }

  /// Runs a plan on pictures whose float results are known.
  init(
    plan: Plan, pictures: [[UInt8]], float: [FloatResults], compared: [Int]
  ) throws(PlannerError) {
    self.init()
    do throws(EngineError) {
      let parts = try inShards(of: pictures.count) { (range) throws(EngineError) in
        let engine = try Engine(plan: plan)
        var part = Agreement()
        for i in range {
          engine.withPicture { $0.copyBytes(from: pictures[i]) }
          var values = ComparedValues(compared)
          engine.run { values.read(engine, after: $0) }
          part.add(float[i], engine, compared: values)
        }
        return part
      }
      for part in parts { add(part) }
    } catch { throw .engine(error) }
  }

  /// What a plan keeps of it.
  func provenance(of network: Network) -> [(key: String, value: String)] {
    func text(_ decibels: Double) -> String { String(format: "%.1f dB", decibels) }
    var entries: [(key: String, value: String)] = [
      (key: "calibration.pictures", value: "\(pictures)"),
      (key: "calibration.sqnr", value: text(decibels)),
    ]
    let compared = network.compared
    if compared.count > 1 {
      for (value, decibels) in zip(compared, decibelsOfValues) {
        entries.append((key: "calibration.sqnr.\(value.name)", value: text(decibels)))
      }
    }
    if decisions > 0 {
      entries.append(
        (key: "calibration.agreement", value: String(format: "%.1f %%", 100 * share)))
    }
    return entries
  }
}

/// The values by which a plan is compared, read as each is made: its bytes may be given to another before the end.
struct ComparedValues {
  private let tensors: [Int]
  /// Of each tensor.
  private(set) var values: [[Float]]

  init(_ tensors: [Int]) {
    self.tensors = tensors
    values = tensors.map { _ in [] }
  }

  /// Reads what a step has made, if it is one of them.
  mutating func read(_ engine: Engine, after step: Int) {
    let output = engine.plan.steps[step].output
    for (i, tensor) in tensors.enumerated() where tensor == output {
      values[i] = engine.value(ofTensor: tensor).values
    }
  }
}

extension Detection {
  /// The boxes of a detector's result that people are shown.
  static func found(_ values: [Float]) -> [Detection] {
    Detection.list(values).filter { $0.score >= ResultFilter.shownScore }
  }
}

extension [Detection] {
  /// How many of these have one of their class among others that covers the same place, each other one being
  /// had once, the best first.
  func matches(_ others: [Detection]) -> Int {
    var free = others
    return count { detection in
      let fitting = free.indices.filter { free[$0].classIndex == detection.classIndex }
      guard
        let best = fitting.max(by: {
          detection.box.overlap(free[$0].box) < detection.box.overlap(free[$1].box)
        }), detection.box.overlap(free[best].box) >= 0.5
      else { return false }
      free.remove(at: best)
      return true
    }
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
