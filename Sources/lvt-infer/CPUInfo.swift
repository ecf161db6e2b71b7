// SPDX-License-Identifier: Apache-2.0
internal import LVT

/// What this CPU can run and which kernels are chosen.
enum CPUInfo {
  static func print() {
    let topology = ProcessorTopology()
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
