// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// What this CPU can run and which kernels are chosen.
enum CPUInfo {
  static func print(_ arguments: Arguments) {
    let topology = ProcessorTopology()
    if arguments.json {
      let names = ISA.available.map { jsonText($0.name) }.joined(separator: ",")
      let kernels = ISA.best.kernelNames.map { "\(jsonText($0.operation)):\(jsonText($0.isa))" }
      Console.print(
        "{\"processors\":\(jsonText(topology.allowed.description)),"
          + "\"fastest\":\(jsonText(topology.fastest.description)),"
          + "\"threads\":\(topology.recommendedThreads),\"isas\":[\(names)],"
          + "\"used\":\(jsonText(ISA.best.name)),\"kernels\":{\(kernels.joined(separator: ","))}}")
      return
    }
    let threads = topology.recommendedThreads
    Console.print("processors: \(topology.allowed), the fastest \(topology.fastest)")
    Console.print("threads: \(threads)")
    Console.print("instruction sets: " + ISA.available.map { $0.name }.joined(separator: " "))
    Console.print("used: \(ISA.best.name)")
    for kernel in ISA.best.kernelNames {
      Console.print("  " + padded(kernel.operation, 16) + kernel.isa)
    }
  }
}
