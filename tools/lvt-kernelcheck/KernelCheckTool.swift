// SPDX-License-Identifier: Apache-2.0
import CLVTSystem
import LVTKernelCheck

private let usage = """
  usage: lvt-kernelcheck [--bench] [--quick] [--seed N] [--filter TEXT]

  Compares every kernel that this CPU runs with its definition, bit for bit.
    --bench        time the kernels on layers of real networks instead
    --quick        fewer cases, for emulators
    --seed N       draw other cases (default 1)
    --filter TEXT  only kernels whose name contains TEXT, as in "gemm_s8" or "avx2"

  """

@main
struct KernelCheckTool {
  private var isBench = false
  private var isQuick = false
  private var seed: UInt64 = 1
  private var filter = ""

  static func main() {
    guard let tool = KernelCheckTool(arguments: (1..<max(1, lvt_argument_count())).map(argument))
    else {
      say(usage)
      lvt_exit(2)
    }
    lvt_exit(tool.run() ? 0 : 1)
  }

  private static func argument(_ index: Int32) -> String {
    lvt_argument(index).map { String(cString: $0) } ?? ""
  }

  private init?(arguments: [String]) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--bench": isBench = true
      case "--quick": isQuick = true
      case "--seed":
        guard let text = rest.popFirst(), let seed = UInt64(text) else { return nil }
        self.seed = seed
      case "--filter":
        guard let text = rest.popFirst() else { return nil }
        filter = text
      default: return nil
      }
    }
  }

  /// Whether everything passed.
  private func run() -> Bool {
    say("seed \(seed)\n")
    var passed = true
    for operation in operationsWithoutDefinition() {
      say("\(operation): no scalar row\n")
      passed = false
    }
    for row in KernelRow.all where filter.isEmpty || contains(row.name, filter) {
      if !row.isRunnable {
        say("\(row.name): skipped, this CPU lacks it\n")
      } else if isBench {
        passed = bench(row) && passed
      } else {
        passed = check(row) && passed
      }
    }
    let sets = instructionSets()
    say("instruction sets executed: \(list(sets.executed)); skipped: \(list(sets.skipped))\n")
    return passed
  }

  private func check(_ row: KernelRow) -> Bool {
    say("\(row.name): ")  // before it runs: a crash must not hide which kernel it was
    let start = lvt_nanoseconds()
    do throws(CheckFailure) {
      let cases = try checkKernel(row, seed: seed, isQuick: isQuick)
      say("\(cases) cases, \((lvt_nanoseconds() - start) / 1_000_000) ms\n")
      return true
    } catch {
      say("FAILED\n\(error.text)")
      return false
    }
  }

  private func bench(_ row: KernelRow) -> Bool {
    do throws(CheckFailure) {
      for line in try benchmark(row, seed: seed) { say(line + "\n") }
      return true
    } catch {
      say("\(row.name): \(error.text)\n")
      return false
    }
  }
}

private func say(_ text: String) {
  let bytes = Array(text.utf8)
  _ = lvt_write_all(1, bytes, bytes.count)
}

private func list(_ names: [String]) -> String {
  var text = ""
  for name in names { text += text.isEmpty ? name : " " + name }
  return text.isEmpty ? "none" : text
}

// String.contains(String) needs Foundation or the standard library's string processing.
private func contains(_ text: String, _ part: String) -> Bool {
  let text = Array(text.utf8), part = Array(part.utf8)
  guard part.count <= text.count else { return false }
  return (0...text.count - part.count).contains { start in
    text[start..<start + part.count].elementsEqual(part)
  }
}
