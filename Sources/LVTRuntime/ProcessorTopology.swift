// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// The processors that a thread may use, and how fast they are beside each other.
///
/// Boards join cores of different kinds: an RK3588 has four Cortex-A76, which the kernel gives a capacity
/// of 1024, and four Cortex-A55 of about 530. A run divides each step's rows among the threads in fixed,
/// equal ranges and all meet after it, so a step takes as long as its slowest thread: eight threads on
/// such a board would be no faster than eight A55. Hence ``fastest``: the cores of the best kind and no others.
public struct ProcessorTopology: Sendable {
  /// All that the thread may use.
  public let allowed: ProcessorSet
  /// Those of the fastest kind.
  ///
  /// They are the ones with at least 4/5 of the greatest capacity. Cores of one kind can differ by some
  /// per cent of clock (those of an RK3588 do, and a QCS6490 has one of 2.7 and three of 2.4 GHz); a
  /// smaller kind has a quarter to two thirds of the capacity.
  public let fastest: ProcessorSet
  /// Cores of the fastest kind, which are fewer than its processors where a core runs several threads.
  ///
  /// Two threads of one core share its multipliers, so a second one gains little; the kernel
  /// spreads fewer threads than processors over idle cores by itself.
  public let fastestCores: Int

  /// The topology of this machine for the calling thread.
  public init() { self.init(allowed: .allowed, root: "/sys/devices/system/cpu") }

  /// - Parameters:
  ///   - allowed: What may be used.
  ///   - root: The folder with the kernel's description, one folder `cpuN` a processor. What it does not
  ///     say, or not in the form that the kernel has, is taken as: all equal, a core each.
  public init(allowed: ProcessorSet, root: String) {
    let folders = allowed.numbers.map { root + "/cpu\($0)" }
    let capacities =
      Self.numbers(folders.map { $0 + "/cpu_capacity" })
      ?? Self.numbers(folders.map { $0 + "/cpufreq/cpuinfo_max_freq" })
      ?? folders.map { _ in 1 }
    let greatest = capacities.max() ?? 1
    self.allowed = allowed
    fastest = ProcessorSet(
      zip(allowed.numbers, capacities).filter { $0.1 * 5 >= greatest * 4 }.map { $0.0 })
    // A core is known by the first of its processors; one that is not allowed counts all the same.
    let cores = fastest.numbers.map { number in
      Self.line(root + "/cpu\(number)/topology/thread_siblings_list")
        .flatMap { ProcessorSet(list: $0) }
        .flatMap { $0.numbers.contains(number) ? $0.numbers.first : nil } ?? number
    }
    fastestCores = ProcessorSet(cores).numbers.count
  }

  /// How many threads an engine best has, the caller's included: one for each core of the fastest kind,
  /// at most 4.
  ///
  /// The steps of a tiny network are too short to be worth dividing further.
  public var recommendedThreads: Int { min(4, max(1, fastestCores)) }

  /// On which processors so many threads best run.
  ///
  /// On the fastest if there are enough of them. Where all are of one kind, or too few of the
  /// fastest, the kernel knows better.
  public func recommendedAffinity(threads: Int) -> Affinity {
    fastest != allowed && threads <= fastest.numbers.count ? .shared(fastest) : .inherited
  }

  /// The positive number in each file, or nil if one has none: numbers compare only with their like.
  private static func numbers(_ paths: [String]) -> [Int]? {
    var numbers: [Int] = []
    for path in paths {
      // So small that five times the number is no overflow.
      guard let text = line(path), let number = Int32(text), number > 0 else { return nil }
      numbers.append(Int(number))
    }
    return numbers
  }

  /// A file's only line, if it is a short one.
  private static func line(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = lvt_read_start(path, &bytes, bytes.count)
    guard count > 0, count < bytes.count, bytes[count - 1] == UInt8(ascii: "\n") else { return nil }
    return String(decoding: bytes[..<(count - 1)], as: UTF8.self)
  }
}
