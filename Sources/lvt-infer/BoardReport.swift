// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// A benchmark's result with what is needed to judge it: the machine, its clock, temperature and
/// throttling before and after, the kernels, and the time of each step.
///
/// One JSON object, for a folder `boards/NAME/results`.
struct BoardReport {
  private let path: String
  private let engine: Engine
  private let machine = MachineState()
  private let processors = ProcessorTopology().allowed
  private let before: String

  /// Looks at the machine before the benchmark.
  init(path: String, _ engine: Engine) {
    self.path = path
    self.engine = engine
    before = machine.sample(of: processors)
  }

  /// Looks again and writes the file; whether that worked.
  func write(_ times: Benchmark.Times, steps: [Double]) -> Bool {
    let bytes = Array(json(times, steps).utf8)
    let status = lvt_write_file(path, bytes, bytes.count, nil, 0)
    if status != 0 {
      Console.report(
        "\(Console.name(path)): cannot be written: \(String(cString: lvt_error_text(status)))")
      return false
    }
    Console.report("wrote \(Console.name(path))")
    return true
  }

  private func json(_ times: Benchmark.Times, _ steps: [Double]) -> String {
    let plan = engine.plan
    let provenance = plan.provenance.filter { ["network", "board"].contains($0.key) }
      .map { ",\(jsonText($0.key)):\(jsonText($0.value))" }.joined()
    let kernels = engine.isa.kernelNames.map { "\"\($0.operation)\":\"\($0.isa)\"" }
    let milliseconds = zip(plan.steps, steps).map { step, time in
      "{\"operation\":\"\(step.operation.name)\",\"ms\":\(fixed(time, 4))}"
    }
    return """
      {"lvt":\(jsonText(lvtVersion)),"machine":{\(machine.identity)},
       "plan":{"sha256":"\(plan.hashText)","arena_bytes":\(plan.arenaBytes)\(provenance)},
       "threads":\(engine.threads),"processors":\(jsonText(engineProcessors)),"isa":"\(engine.isa.name)",
       "kernels":{\(kernels.joined(separator: ","))},
       "before":\(before),
       "after":\(machine.sample(of: processors)),
       "times":{\(times.json)},
       "steps":[\(milliseconds.joined(separator: ","))]}

      """
  }

  private var engineProcessors: String {
    switch engine.affinity {
    case .inherited: "\(processors)"
    case .shared(let set), .pinned(let set): "\(set)"
    }
  }
}
