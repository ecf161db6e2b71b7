// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// Times whole runs of the network on a synthetic picture, and making its input of a frame.
struct Benchmark {
  /// What was measured, in milliseconds.
  struct Times {
    let median, p10, p90: Double
    let runs: Int
    /// From a 640×480 YUYV frame to the input, on one thread.
    let preprocess: Double

    /// Members of a JSON object.
    var json: String {
      "\"median_ms\":\(fixed(median, 4)),\"p10_ms\":\(fixed(p10, 4)),\"p90_ms\":\(fixed(p90, 4)),"
        + "\"runs\":\(runs),\"preprocess_ms\":\(fixed(preprocess, 4))"
    }

    var text: String {
      "median \(fixed(median, 4)) ms, p10 \(fixed(p10, 4)), p90 \(fixed(p90, 4)) over \(runs) runs"
    }
  }

  private let engine: Engine
  private let classifier: Classifier

  init(_ engine: Engine) throws(ImageError) {
    self.engine = engine
    classifier = try Classifier(engine: engine)
  }

  func times(_ runs: Int) throws(ImageError) -> Times {
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
    func quantile(_ share: Double) -> Double {
      times[min(times.count - 1, Int(share * Double(times.count)))]
    }
    return Times(
      median: quantile(0.5), p10: quantile(0.1), p90: quantile(0.9), runs: runs,
      preprocess: try preprocessing(runs))
  }

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

  /// Measures, prints, and writes a report if one is asked for; whether that worked.
  func run(_ runs: Int, _ arguments: Arguments) throws(ImageError) -> Bool {
    let report = arguments.boardReport.map { BoardReport(path: $0, engine) }
    let times = try times(runs)
    Console.print(
      arguments.json
        ? "{\(times.json),\"threads\":\(engine.threads),\"isa\":\"\(engine.isa.name)\"}"
        : "\(times.text) (\(engine.isa.name), threads: \(engine.threads))\n"
          + "input of a 640×480 YUYV frame in \(fixed(times.preprocess, 4)) ms")
    return report.map { $0.write(times, steps: Profile(engine).medians()) } ?? true
  }
}
