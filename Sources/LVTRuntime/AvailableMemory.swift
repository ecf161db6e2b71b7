// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// How much more memory this process can have: the least of what the machine has, what its control groups
/// (version 1 or 2) allow and what its limit on address space leaves.
///
/// Caches of files count as free, swap does not. What the kernel does not say is no limit.
struct AvailableMemory {
  private let root: String

  /// - Parameter root: The folder that stands for `/`.
  init(root: String = "") { self.root = root }

  /// Bytes.
  var bytes: Int {
    min(machine, groups, Int(clamping: lvt_address_space_left()))
  }

  private var machine: Int {
    let (kilobytes, isTooLarge) = (field("MemAvailable:", of: "/proc/meminfo") ?? .max)
      .multipliedReportingOverflow(by: 1024)
    return isTooLarge ? .max : kilobytes
  }

  /// Each group of the process limits it, and so do those around it.
  private var groups: Int {
    var least = Int.max
    for line in lines("/proc/self/cgroup") {
      let parts = line.split(
        separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: UInt8(ascii: ","))
      let files: GroupFiles
      if parts[1].isEmpty {
        files = .version2
      } else if controllers.contains(where: { $0.elementsEqual("memory".utf8) }) {
        files = .version1
      } else {
        continue
      }
      var path = parts[2]
      while true {
        least = min(least, left(in: String(decoding: path, as: UTF8.self), files))
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { break }
        path = path[..<slash]
      }
    }
    return least
  }

  /// Where a group's figures are.
  private struct GroupFiles {
    let folder, limit, used, inactive, active: String

    static let version1 = GroupFiles(
      folder: "/sys/fs/cgroup/memory", limit: "/memory.limit_in_bytes",
      used: "/memory.usage_in_bytes", inactive: "total_inactive_file", active: "total_active_file")
    static let version2 = GroupFiles(
      folder: "/sys/fs/cgroup", limit: "/memory.max", used: "/memory.current",
      inactive: "inactive_file", active: "active_file")
  }

  private func left(in group: String, _ files: GroupFiles) -> Int {
    let folder = files.folder + (group == "/" ? "" : group)
    guard let limit = number(lines(folder + files.limit).first?[...]),
      let used = number(lines(folder + files.used).first?[...])
    else { return .max }
    let cached =
      (field(files.inactive, of: folder + "/memory.stat") ?? 0)
      &+ (field(files.active, of: folder + "/memory.stat") ?? 0)
    return max(0, limit - max(0, used - max(0, cached)))
  }

  /// The number behind a name at the start of a line.
  private func field(_ name: String, of path: String) -> Int? {
    for line in lines(path) {
      let words = line.split(separator: UInt8(ascii: " "))
      if words.count >= 2, words[0].elementsEqual(name.utf8) { return number(words[1]) }
    }
    return nil
  }

  /// A number of decimal digits alone; nil for another word, such as `max`.
  private func number(_ digits: ArraySlice<UInt8>?) -> Int? {
    guard let digits, !digits.isEmpty else { return nil }
    var value = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLargeWithDigit) = tens.addingReportingOverflow(
        Int(digit - UInt8(ascii: "0")))
      if isTooLarge || isTooLargeWithDigit { return .max }
      value = sum
    }
    return value
  }

  private func lines(_ path: String) -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = lvt_read_start(root + path, &bytes, bytes.count)
    guard count > 0 else { return [] }
    return bytes[..<count].split(separator: 0x0A).map { Array($0) }
  }
}
