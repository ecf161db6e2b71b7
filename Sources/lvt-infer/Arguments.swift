// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// What the command line asks for.
struct Arguments {
  enum Mode: Equatable {
    case classify
    case benchmark(runs: Int)
    case profile
    case verify
    case cpuInfo
    case help
    case version
  }

  var mode = Mode.classify
  var model = ""
  var pictures: [String] = []
  var top = 3
  var json = false
  var logits = false
  var threads = 0
  var isa = ISA.best

  static let defaultRuns = 100

  static let usage = """
    usage: lvt-infer MODEL PICTURE|FOLDER ...      classify JPEG files
           lvt-infer MODEL --bench [RUNS]          time the network
           lvt-infer MODEL --profile               time each step
           lvt-infer MODEL --verify                check the plan's golden hashes on this CPU
           lvt-infer --cpu-info                    what this CPU can run

      --top N          show the N likeliest classes (3)
      --json           one JSON object a line
      --logits         with --json, the network's raw output too
      --threads N      threads to use (all that this process may use, at most 4)
      --cpu ISA        scalar, avx2, avxvnni, avx512vnni, neon or neondot (the fastest there is)
      --version        print the version
      --help           print this

    Exit codes: 0 done, 1 something failed, 64 wrong usage.

    """

  init() throws(UsageError) {
    var values: [String] = []
    for i in 1..<max(1, lvt_argument_count()) {
      if let text = lvt_argument(i) { values.append(String(cString: text)) }
    }
    try self.init(values)
  }

  init(_ values: [String]) throws(UsageError) {
    var rest = values[...]
    var plain: [String] = []
    var optionsEnded = false
    while let value = rest.popFirst() {
      if optionsEnded || !value.utf8.starts(with: "-".utf8) || value == "-" {
        plain.append(value)
        continue
      }
      switch value {
      case "--": optionsEnded = true
      case "--json": json = true
      case "--logits": logits = true
      case "--profile": mode = .profile
      case "--verify": mode = .verify
      case "--cpu-info": mode = .cpuInfo
      case "--help", "-h": mode = .help
      case "--version": mode = .version
      case "--top": top = try Self.number(value, rest.popFirst(), 1...1_000_000)
      case "--threads": threads = try Self.number(value, rest.popFirst(), 1...64)
      case "--bench":
        if let next = rest.first, let runs = Int(next), runs > 0 {
          rest.removeFirst()
          mode = .benchmark(runs: runs)
        } else {
          mode = .benchmark(runs: Self.defaultRuns)
        }
      case "--cpu":
        let name = rest.popFirst() ?? ""
        guard let isa = ISA(name: name) else {
          throw UsageError("--cpu: expected one of \(Self.isaNames), found '\(name)'")
        }
        self.isa = isa
      default: throw UsageError("unknown option '\(value)'")
      }
    }
    if mode == .cpuInfo || mode == .help || mode == .version { return }
    guard let first = plain.first else { throw UsageError("expected a plan file (model.lvt)") }
    model = first
    pictures = Array(plain.dropFirst())
    if mode == .classify, pictures.isEmpty {
      throw UsageError("expected pictures or folders after the plan")
    }
    if mode != .classify, let extra = pictures.first {
      throw UsageError("this mode takes no pictures, found '\(extra)'")
    }
    if threads == 0 { threads = min(4, max(1, Int(lvt_processor_count()))) }
  }

  private static var isaNames: String { ISA.allCases.map { $0.name }.joined(separator: ", ") }

  private static func number(
    _ option: String, _ text: String?, _ range: ClosedRange<Int>
  ) throws(UsageError) -> Int {
    guard let text, let value = Int(text), range.contains(value) else {
      throw UsageError(
        "\(option): expected a number from \(range.lowerBound) to \(range.upperBound), "
          + "found '\(text ?? "nothing")'")
    }
    return value
  }
}

/// A command line that cannot be carried out.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
