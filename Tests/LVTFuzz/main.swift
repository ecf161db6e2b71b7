// SPDX-License-Identifier: Apache-2.0
// lvt-fuzz                               names of the fuzzers, and what each tries
// lvt-fuzz NAME --seeds FOLDER           writes the inputs to start from
// lvt-fuzz NAME LIBFUZZER-ARGUMENTS …    runs a fuzzer
//
// tools/fuzz calls it.
import CLVTFuzz
import Foundation
import LVTModel

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data("lvt-fuzz: \(message)\n".utf8))
  exit(64)
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard let name = arguments.first else {
  for fuzzer in Fuzzer.all { print("\(fuzzer.name)\t\(fuzzer.summary)") }
  exit(0)
}
guard let chosen = Fuzzer.all.first(where: { $0.name == name }) else {
  fail("no fuzzer is called \(name)")
}
/// libFuzzer calls without a context.
nonisolated(unsafe) let fuzzer = chosen

if arguments.count == 3, arguments[1] == "--seeds" {
  for (i, seed) in try fuzzer.seeds().enumerated() {
    try Data(seed).write(to: URL(filePath: "\(arguments[2])/seed-\(i)"))
  }
  exit(0)
}

let words = ["lvt-fuzz", "-max_len=\(fuzzer.longest)"] + arguments.dropFirst()
var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
exit(
  lvt_fuzz_drive(
    Int32(words.count), &pointers,
    { bytes, count in
      do { try fuzzer.run(UnsafeRawBufferPointer(start: bytes, count: count)) } catch {
        FileHandle.standardError.write(Data("finding: \(error)\n".utf8))
        abort()
      }
    },
    { bytes, count, limit, seed in
      guard let bytes else { return 0 }
      guard let mutate = fuzzer.mutate else { return lvt_fuzz_change(bytes, count, limit) }
      var input = Array(UnsafeBufferPointer(start: bytes, count: count))
      var generator = SplitMix64(seed: UInt64(seed))
      mutate(&input, &generator) { part in
        let size = part.count, room = size + 64
        part += [UInt8](repeating: 0, count: 64)
        let changed = part.withUnsafeMutableBufferPointer {
          lvt_fuzz_change($0.baseAddress, size, room)
        }
        part.removeSubrange(changed...)
      }
      guard input.count <= limit else { return count }
      input.withUnsafeBufferPointer {
        bytes.update(from: $0.baseAddress.unsafelyUnwrapped, count: $0.count)
      }
      return input.count
    }))
