// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

@testable import LVTRuntime

/// What the kernel says of memory, on machines that are folders.
@Suite final class AvailableMemoryTests {
  private let root = NSTemporaryDirectory() + "lvt-" + UUID().uuidString

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func add(_ path: String, _ text: String) throws {
    let url = URL(filePath: root + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: url, atomically: false, encoding: .utf8)
  }

  private func addMachine(kilobytes: Int) throws {
    try add("/proc/meminfo", "MemTotal: 99 kB\nMemFree: 7 kB\nMemAvailable:   \(kilobytes) kB\n")
  }

  private var bytes: Int { AvailableMemory(root: root).bytes }

  @Test func machineIsTheLimitWithoutGroups() throws {
    try addMachine(kilobytes: 2000)
    #expect(bytes == 2_048_000)
  }

  @Test func whatTheKernelDoesNotSayIsNoLimit() throws {
    #expect(bytes > 1 << 40)
    try add("/proc/meminfo", "MemAvailable: many kB\n")
    try add("/proc/self/cgroup", "\n:\nx:memory\n0::\u{0}\n1:memory:/../..\n")
    #expect(bytes > 1 << 40)
    try addMachine(kilobytes: .max)
    #expect(bytes > 1 << 40)
  }

  @Test func groupsOfVersion2AndThoseAroundThemLimit() throws {
    try addMachine(kilobytes: 2000)
    try add("/proc/self/cgroup", "0::/a/b\n")
    try add("/sys/fs/cgroup/a/b/memory.max", "max\n")
    try add("/sys/fs/cgroup/a/b/memory.current", "5\n")
    #expect(bytes == 2_048_000)
    try add("/sys/fs/cgroup/a/memory.max", "100000\n")
    try add("/sys/fs/cgroup/a/memory.current", "70000\n")
    #expect(bytes == 30_000)
    // Caches of files give way.
    try add("/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 20000\nactive_file 4000\n")
    #expect(bytes == 54_000)
    try add("/sys/fs/cgroup/a/memory.current", "200000\n")
    try add("/sys/fs/cgroup/a/memory.stat", "")
    #expect(bytes == 0)
  }

  @Test func groupsOfVersion1Limit() throws {
    try addMachine(kilobytes: 2000)
    try add("/proc/self/cgroup", "3:cpu,memory:/a\n2:memory2:/a\n1:cpu:/\n0::/\n")
    try add("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n")
    try add("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "12\n")
    #expect(bytes == 2_048_000)
    // Inside a container, the mount shows its own group at the top.
    try add("/sys/fs/cgroup/memory/memory.limit_in_bytes", "50000\n")
    try add("/sys/fs/cgroup/memory/memory.usage_in_bytes", "40000\n")
    try add("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 1000\n")
    #expect(bytes == 11_000)
  }

  @Test func errorNamesBothNumbers() {
    #expect(
      EngineError.memory(needed: 70, available: 60).description
        == "arena and scratch need 70 bytes of memory, found 60")
  }
}
