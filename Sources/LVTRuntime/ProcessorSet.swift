// SPDX-License-Identifier: Apache-2.0
internal import CLVTThreads

/// A set of processors, by the kernel's numbers, 0 … 1023.
public struct ProcessorSet: Equatable, Sendable {
  /// The numbers, ascending.
  public let numbers: [Int]

  /// The processors of these numbers; those that no processor has are left out.
  public init(_ numbers: [Int]) {
    var words = [UInt64](repeating: 0, count: Int(LVT_PROCESSOR_WORDS))
    for n in numbers where (0..<Int(LVT_PROCESSORS)).contains(n) { words[n / 64] |= 1 << (n % 64) }
    self.init(words: words)
  }

  /// The processors of a list as the kernel writes them, such as `0,2,4-7`.
  ///
  /// Nil for anything else: an empty list, spaces, a range that goes down, a number above 1023.
  public init?(list: String) {
    var words = [UInt64](repeating: 0, count: Int(LVT_PROCESSOR_WORDS))
    for part in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let ends = part.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        .map { Self.number($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        first <= last
      else { return nil }
      for n in first...last { words[n / 64] |= 1 << (n % 64) }
    }
    self.init(words: words)
  }

  /// The processors that the calling thread may use.
  ///
  /// Empty if the system does not say, as for a machine of more than 1024.
  public static var allowed: ProcessorSet {
    var words = [UInt64](repeating: 0, count: Int(LVT_PROCESSOR_WORDS))
    return lvt_processors_allowed(&words) == 0 ? ProcessorSet(words: words) : ProcessorSet([])
  }

  /// Whether all of them are in another set.
  public func isSubset(of other: ProcessorSet) -> Bool {
    numbers.allSatisfy { other.numbers.contains($0) }
  }

  private init(words: [UInt64]) {
    numbers = (0..<words.count * 64).filter { words[$0 / 64] >> ($0 % 64) & 1 != 0 }
  }

  /// The set as the pool takes it.
  var words: [UInt64] {
    var words = [UInt64](repeating: 0, count: Int(LVT_PROCESSOR_WORDS))
    for n in numbers { words[n / 64] |= 1 << (n % 64) }
    return words
  }

  /// Digits only, at most 1023.
  private static func number(_ text: Substring.UTF8View) -> Int? {
    guard (1...4).contains(text.count) else { return nil }
    var value = 0
    for digit in text {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value < Int(LVT_PROCESSORS) ? value : nil
  }
}

extension ProcessorSet: CustomStringConvertible {
  /// A list as the kernel writes it, or `none`.
  public var description: String {
    if numbers.isEmpty { return "none" }
    var text = "", i = 0
    while i < numbers.count {
      var last = i
      while last + 1 < numbers.count, numbers[last + 1] == numbers[last] + 1 { last += 1 }
      text += (i == 0 ? "" : ",") + "\(numbers[i])" + (last > i ? "-\(numbers[last])" : "")
      i = last + 1
    }
    return text
  }
}
