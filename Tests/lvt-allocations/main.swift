// SPDX-License-Identifier: Apache-2.0
internal import CLVTAllocations
internal import LVT

// lvt-allocations PLAN: fails if running an engine, or classifying frames of one size, allocates.
// A program of its own because it counts the allocations of the whole process.

func fail(_ message: String) -> Never { fatalError(message) }

let plan = try Plan(path: CommandLine.arguments[1])
for threads in 1...4 {
  let engine = try Engine(plan: plan, threads: threads)
  engine.run()
  let before = lvt_allocation_count()
  for _ in 0..<50 {
    engine.withPicture { pixels in pixels.storeBytes(of: 77, as: UInt8.self) }
    engine.run()
  }
  let count = lvt_allocation_count() - before
  guard count == 0 else { fail("\(count) allocations in 50 runs with \(threads) threads") }
}

let classifier = try Classifier(engine: try Engine(plan: plan))
let frame = [UInt8](repeating: 99, count: 640 * 480 * 3)
try frame.withUnsafeBytes { bytes in
  let view = try ImageView(format: .rgb8, width: 640, height: 480, bytes: bytes)
  try classifier.load(view)
  let before = lvt_allocation_count()
  for _ in 0..<20 {
    try classifier.load(view)
    classifier.engine.run()
  }
  let count = lvt_allocation_count() - before
  guard count == 0 else { fail("\(count) allocations in 20 frames") }
}

let before = lvt_allocation_count()
let proof = [Int](repeating: 1, count: CommandLine.arguments.count * 1000)
guard lvt_allocations_are_counted(), lvt_allocation_count() > before, proof.count > 0 else {
  fail("allocations are not counted here, so nothing was shown")
}
print("no allocations between runs, threads 1 to 4, nor between frames of one size")
