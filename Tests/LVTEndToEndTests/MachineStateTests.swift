// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import Testing

@testable import lvt_infer

/// What a board report says of a machine, from folders like those of a Raspberry Pi and of a PC.
@Suite struct MachineStateTests {
  private let root = NSTemporaryDirectory() + "lvt-" + UUID().uuidString

  private func write(_ path: String, _ text: String) throws {
    let url = URL(filePath: root + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func object(_ text: String) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  }

  @Test func aRaspberryPiIsDescribed() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try write("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    try write(
      "/proc/cpuinfo",
      "processor\t: 0\nCPU part\t: 0xd08\n\nprocessor\t: 1\nCPU part\t: 0xd08\n")
    try write("/proc/sys/kernel/osrelease", "6.6.20+rpt-rpi-v8\n")
    try write("/proc/meminfo", "MemTotal:        1894132 kB\nMemFree:  1 kB\n")
    for i in 0..<2 {
      let folder = "/sys/devices/system/cpu/cpu\(i)/cpufreq"
      try write(folder + "/scaling_governor", "ondemand\n")
      try write(folder + "/scaling_cur_freq", "\(1_500_000 + i * 300_000)\n")
    }
    try write("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    try write("/sys/class/thermal/thermal_zone0/temp", "48312\n")
    try write("/sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n")
    let state = MachineState(root: root)
    #expect(
      try object("{\(state.identity)}") == [
        "model": "Raspberry Pi 4 Model B Rev 1.4", "cpu": ["0xd08"],
        "kernel": "6.6.20+rpt-rpi-v8", "memory_kb": 1_894_132,
      ])
    #expect(
      try object(state.sample(of: ProcessorSet([0, 1]))) == [
        "governor": ["ondemand", "ondemand"], "megahertz": [1500, 1800],
        "celsius": ["cpu-thermal": 48.3], "throttled": ["50000"],
      ])
  }

  @Test func aMachineThatSaysNothingIsDescribed() throws {
    let state = MachineState(root: root)
    #expect(try object("{\(state.identity)}") == ["cpu": [String]()])
    #expect(
      try object(state.sample(of: ProcessorSet([0]))) == [
        "governor": [String](), "megahertz": [Int](), "celsius": [String: Double](),
        "throttled": [String](),
      ])
  }

  @Test func hostileTextStaysJSON() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try write("/proc/device-tree/model", "a \u{1}\"board\"\\\n")
    try write("/sys/class/thermal/thermal_zone0/type", "x\",\"y\n")
    try write("/sys/class/thermal/thermal_zone0/temp", "1e9\n")
    let state = MachineState(root: root)
    #expect(try object("{\(state.identity)}")["model"] as? String == "a \u{1}\"board\"\\")
    _ = try object(state.sample(of: ProcessorSet([0])))
  }
}
