// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// Times each step.
struct Profile {
  private let engine: Engine
  private static let runs = 50

  init(_ engine: Engine) { self.engine = engine }

  /// Milliseconds of each step, the medians of some runs.
  func medians() -> [Double] {
    let picture = Golden(seed: 1, stepHashes: [])
    var samples = [[UInt64]](repeating: [], count: engine.plan.steps.count)
    for run in 0..<(Self.runs + 3) {
      engine.withPicture { picture.fill($0) }
      var last = lvt_nanoseconds()
      engine.run(observing: { step in
        let now = lvt_nanoseconds()
        if run >= 3 { samples[step].append(now - last) }
        last = lvt_nanoseconds()
      })
    }
    return samples.map { Double($0.sorted()[Self.runs / 2]) / 1e6 }
  }

  func run(_ arguments: Arguments) {
    let plan = engine.plan, medians = medians()
    if arguments.json {
      let steps = plan.steps.enumerated().map { i, step in
        let shape = plan.tensors[step.output].shape
        return "{\"operation\":\(jsonText(step.operation.name)),"
          + "\"shape\":[\(shape.height),\(shape.width),\(shape.channels)],"
          + "\"ms\":\(fixed(medians[i], 4))}"
      }
      Console.print(
        "{\"steps\":[\(steps.joined(separator: ","))],\"runs\":\(Self.runs),"
          + "\"threads\":\(engine.threads),\"isa\":\"\(engine.isa.name)\"}")
      return
    }
    let total = medians.reduce(0, +)
    Console.print("step  operation    output         ms      share")
    for (i, step) in plan.steps.enumerated() {
      let shape = plan.tensors[step.output].shape.description
      Console.print(
        padded("\(i)", 4, left: true) + "  " + padded(step.operation.name, 11) + "  "
          + padded(shape, 13) + padded(fixed(medians[i], 4), 8, left: true)
          + padded(fixed(medians[i] / max(1e-6, total) * 100, 1), 8, left: true) + " %")
    }
    Console.print(
      "total \(fixed(total, 4)) ms, median of \(Self.runs) runs "
        + "(\(engine.isa.name), threads: \(engine.threads))")
  }
}
