// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
internal import LVTModel

/// What is known of a board, as `boards/NAME/board.json` says it.
///
/// It decides how a plan is cut into strips, and it predicts how long a plan takes. It never changes a
/// result.
public struct Board: Codable, Equatable, Sendable {
  /// The name that people know it by.
  public var name: String
  /// The chip.
  public var chip: String
  /// Main memory.
  public var memory: Memory
  /// The cores, the fastest kind first.
  public var clusters: [Cluster]
  /// A cache behind all second-level caches, in kilobytes; nil if there is none.
  public var sharedCacheKilobytes: Int?
  /// Where each figure comes from.
  public var sources: [String: String]

  /// Main memory.
  public struct Memory: Codable, Equatable, Sendable {
    /// Of the smallest variant that is sold.
    public var megabytes: Int
    /// What the system needs of it.
    public var systemMegabytes: Int
    /// 10⁹ bytes a second that all cores together read, as measured, or a stated share of what the memory's
    /// pins carry.
    public var gigabytesPerSecond: Double
  }

  /// Cores of one kind.
  public struct Cluster: Codable, Equatable, Sendable {
    /// The core's name.
    public var core: String
    /// How many.
    public var count: Int
    /// The clock that they keep.
    public var megahertz: Int
    /// The kernels that lvt chooses on them.
    public var isa: String
    /// First-level data cache of a core.
    public var l1Kilobytes: Int
    /// Second-level cache.
    public var l2Kilobytes: Int
    /// How many cores have this second-level cache in common.
    public var l2Cores: Int
    /// Multiplications a cycle of the kernels that do most of the work, by name; and `values`: values a
    /// cycle that are normalised, looked up or rounded.
    public var perCycle: [String: Double]
  }

  /// What the planner assumes for this board.
  ///
  /// Work is divided in equal parts in advance, so slower cores beside fast ones would be waited for: the
  /// fastest kind does all of it.
  public var schedule: Schedule {
    let cluster = clusters[0]
    var schedule = Schedule()
    schedule.threads = cluster.count
    schedule.cacheBytes = cluster.l2Kilobytes * 1024 / min(cluster.l2Cores, cluster.count)
    schedule.elementBytes = cluster.isa == "avx2" ? 2 : 1
    return schedule
  }

  /// The kernels whose speed a cluster must state: those that multiply, and `values`.
  static let rates = StepWork.Kind.allCases.map(\.name)

  /// Reads a board's file.
  ///
  /// - Throws: ``BoardError``
  public init(path: String) throws(BoardError) {
    let file: FileBytes
    do throws(ImportError) { file = try FileBytes(path: path) } catch { throw .unreadable(error) }
    try self.init(file)
  }

  init(_ file: FileBytes) throws(BoardError) {
    guard file.count <= Self.maximumBytes else {
      throw .unreadable(
        .limitExceeded(
          file: file.name, offset: 0, quantity: "its size", limit: Self.maximumBytes))
    }
    let data = file.withBytes(in: 0..<file.count) { Data($0) }
    do { self = try JSONDecoder().decode(Board.self, from: data) } catch {
      throw .malformed(file.name, faultInJSON(error))
    }
    if let fault { throw .malformed(file.name, fault) }
  }

  /// Of a file, which has some kilobytes.
  private static let maximumBytes = 1 << 20

  /// What a core or a memory may do in its unit, so that the times that are divided by it are finite.
  private static let speeds = 1e-3...1e4

  /// The first figure that no board can have.
  private var fault: String? {
    guard (1...8).contains(clusters.count) else { return "'clusters': expected 1 to 8" }
    func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) -> String? {
      range.contains(value)
        ? nil : "'\(name)': expected \(range.lowerBound) to \(range.upperBound), found \(value)"
    }
    let memory = memory
    var faults = [
      check("memory.megabytes", memory.megabytes, 16...1 << 24),
      check("memory.systemMegabytes", memory.systemMegabytes, 0...max(0, memory.megabytes)),
      check("sharedCacheKilobytes", sharedCacheKilobytes ?? 1, 1...1 << 20),
      Self.speeds.contains(memory.gigabytesPerSecond)
        ? nil : "'memory.gigabytesPerSecond': expected 0.001 to 10000",
    ]
    for (i, cluster) in clusters.enumerated() {
      faults += [
        check("clusters.\(i).count", cluster.count, 1...PlanLimits.threads),
        check("clusters.\(i).megahertz", cluster.megahertz, 1...20000),
        check("clusters.\(i).l1Kilobytes", cluster.l1Kilobytes, 1...1 << 20),
        check("clusters.\(i).l2Kilobytes", cluster.l2Kilobytes, 1...1 << 20),
        check("clusters.\(i).l2Cores", cluster.l2Cores, 1...64),
      ]
      faults += Self.rates.map { kernel in
        guard let rate = cluster.perCycle[kernel], Self.speeds.contains(rate) else {
          return "'clusters.\(i).perCycle.\(kernel)': expected 0.001 to 10000"
        }
        return nil
      }
    }
    return faults.compactMap { $0 }.first
  }
}

/// Why a board is not known.
public enum BoardError: Error, Equatable, Sendable {
  /// A file that cannot be read.
  case unreadable(ImportError)
  /// The file says something else than a board's should; path and what.
  case malformed(String, String)
  /// No board of that name; the name, and those that there are.
  case unknown(String, known: [String])
}

extension BoardError: CustomStringConvertible {
  /// One line.
  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let path, let what):
      "\(terminalText(path)): \(terminalText(what, limit: 300))"
    case .unknown(let name, let known):
      "no board '\(terminalText(name))': expected the path of a board.json or one of \(known.joined(separator: ", "))"
    }
  }
}
