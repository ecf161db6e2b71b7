// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT

/// What the kernel says of the machine and how hot it is.
///
/// What it does not say is left out.
struct MachineState {
  private let root: String

  /// - Parameter root: The folder that stands for `/`.
  init(root: String = "") { self.root = root }

  /// The machine, its processor's name or part numbers, the kernel and the memory, as members of a JSON
  /// object.
  var identity: String {
    var members: [String] = []
    let model = text("/proc/device-tree/model") ?? text("/sys/class/dmi/id/product_name")
    if let model { members.append("\"model\":\(jsonText(model))") }
    let cpuInfo = lines("/proc/cpuinfo")
    var names: [String] = []
    for line in cpuInfo {
      for key in ["model name", "CPU part"] where line.starts(with: key.utf8) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
        let name = trimmed(line[(colon + 1)...])
        if !names.contains(name) { names.append(name) }
      }
    }
    members.append("\"cpu\":[\(names.map { jsonText($0) }.joined(separator: ","))]")
    if let kernel = text("/proc/sys/kernel/osrelease") {
      members.append("\"kernel\":\(jsonText(kernel))")
    }
    for line in lines("/proc/meminfo") where line.starts(with: "MemTotal:".utf8) {
      let digits = line.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      if let kilobytes = Int(String(decoding: digits, as: UTF8.self)) {
        members.append("\"memory_kb\":\(kilobytes)")
      }
    }
    return members.joined(separator: ",")
  }

  /// A JSON object with governor and clock of each of these processors, the temperatures, and what is
  /// known of throttling: the firmware's flags on a Raspberry Pi, the cores' counts on x86.
  func sample(of processors: ProcessorSet) -> String {
    var governors: [String] = [], clocks: [String] = [], throttled: [String] = []
    for number in processors.numbers {
      let folder = "/sys/devices/system/cpu/cpu\(number)"
      if let governor = text(folder + "/cpufreq/scaling_governor") {
        governors.append(jsonText(governor))
      }
      if let clock = text(folder + "/cpufreq/scaling_cur_freq").flatMap({ Int($0) }) {
        clocks.append("\(clock / 1000)")
      }
      if let count = text(folder + "/thermal_throttle/core_throttle_count").flatMap({ Int($0) }) {
        throttled.append("\(count)")
      }
    }
    for firmware in ["soc/soc:firmware", "soc@107c000000/soc@107c000000:firmware"] {
      if let flags = text("/sys/devices/platform/\(firmware)/get_throttled") {
        throttled.append(jsonText(flags))
      }
    }
    var temperatures: [String] = []
    for zone in 0..<64 {
      let folder = "/sys/class/thermal/thermal_zone\(zone)"
      guard let name = text(folder + "/type") else { break }
      guard let value = text(folder + "/temp").flatMap({ Int($0) }) else { continue }
      temperatures.append("\(jsonText(name)):\(fixed(Double(value) / 1000, 1))")
    }
    return "{\"governor\":[\(governors.joined(separator: ","))],"
      + "\"megahertz\":[\(clocks.joined(separator: ","))],"
      + "\"celsius\":{\(temperatures.joined(separator: ","))},"
      + "\"throttled\":[\(throttled.joined(separator: ","))]}"
  }

  /// A file's first line, without white space or a zero at its end.
  private func text(_ path: String) -> String? {
    let text = lines(path).first.map { trimmed($0[...]) }
    return text == "" ? nil : text
  }

  private func lines(_ path: String) -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = lvt_read_start(root + path, &bytes, bytes.count)
    guard count > 0 else { return [] }
    return bytes[..<count].split(separator: 0x0A).map { Array($0) }
  }

  private func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = bytes
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
