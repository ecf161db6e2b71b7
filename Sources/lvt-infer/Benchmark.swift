// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// Times whole runs of the network on a synthetic picture, and making its input of a frame.
struct Benchmark {
  private let engine: Engine
  private let classifier: Classifier
  private let json: Bool

  init(_ engine: Engine, _ arguments: Arguments) throws(ImageError) {
    self.engine = engine
    classifier = try Classifier(engine: engine)
    json = arguments.json
  }

  /// Milliseconds from a 640×480 YUYV frame to the input, on one thread.
  private func preprocessing(_ runs: Int) throws(ImageError) -> Double {
    let frame = try Image(width: 640, height: 480)  // 3 bytes a pixel, of which YUYV needs 2
    var times: [Double] = []
    try frame.withPixels { bytes throws(ImageError) in
      Golden(seed: 2, stepHashes: []).fill(bytes)
      let view = try ImageView(
        format: .yuyv, width: 640, height: 480, bytes: UnsafeRawBufferPointer(bytes))
      for _ in 0..<runs {
        let start = lvt_nanoseconds()
        try classifier.load(view)
        times.append(Double(lvt_nanoseconds() - start) / 1e6)
      }
    }
    return times.sorted()[runs / 2]
  }

  func run(_ runs: Int) throws(ImageError) {
    let picture = Golden(seed: 1, stepHashes: [])
    var times: [Double] = []
    // Caches, page tables and the clock need some runs to settle.
    for i in 0..<(runs + max(3, runs / 10)) {
      engine.withPicture { picture.fill($0) }
      let start = lvt_nanoseconds()
      engine.run()
      let elapsed = Double(lvt_nanoseconds() - start) / 1e6
      if i >= max(3, runs / 10) { times.append(elapsed) }
    }
    times.sort()
    func quantile(_ share: Double) -> String {
      fixed(times[min(times.count - 1, Int(share * Double(times.count)))], 4)
    }
    let preprocess = fixed(try preprocessing(runs), 4)
    let median = quantile(0.5), p10 = quantile(0.1), p90 = quantile(0.9)
    if json {
      Console.print(
        "{\"median_ms\":\(median),\"p10_ms\":\(p10),\"p90_ms\":\(p90),\"runs\":\(runs),"
          + "\"preprocess_ms\":\(preprocess),\"threads\":\(engine.threads),\"isa\":\"\(engine.isa.name)\"}"
      )
    } else {
      Console.print(
        "median \(median) ms, p10 \(p10), p90 \(p90) over \(runs) runs "
          + "(\(engine.isa.name), threads: \(engine.threads)), "
          + "input of a 640×480 YUYV frame in \(preprocess) ms")
    }
  }
}

/// Times each step.
struct Profile {
  private let engine: Engine
  private static let runs = 50

  init(_ engine: Engine) { self.engine = engine }

  func run() {
    let plan = engine.plan
    let picture = Golden(seed: 1, stepHashes: [])
    var samples = [[UInt64]](repeating: [], count: plan.steps.count)
    for run in 0..<(Self.runs + 3) {
      engine.withPicture { picture.fill($0) }
      var last = lvt_nanoseconds()
      engine.run(observing: { step in
        let now = lvt_nanoseconds()
        if run >= 3 { samples[step].append(now - last) }
        last = lvt_nanoseconds()
      })
    }
    let medians = samples.map { $0.sorted()[Self.runs / 2] }
    let total = medians.reduce(0, +)
    Console.print("step  operation    output         ms      share")
    for (i, step) in plan.steps.enumerated() {
      let shape = plan.tensors[step.output].shape.description
      Console.print(
        padded("\(i)", 4, left: true) + "  " + padded(step.operation.name, 11) + "  "
          + padded(shape, 13) + padded(fixed(Double(medians[i]) / 1e6, 4), 8, left: true)
          + padded(fixed(Double(medians[i]) / Double(max(1, total)) * 100, 1), 8, left: true) + " %"
      )
    }
    Console.print(
      "total \(fixed(Double(total) / 1e6, 4)) ms, median of \(Self.runs) runs "
        + "(\(engine.isa.name), threads: \(engine.threads))")
  }
}
