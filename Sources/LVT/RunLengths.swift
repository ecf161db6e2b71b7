// SPDX-License-Identifier: Apache-2.0

/// The pixels of one class of a label map as COCO writes them.
///
/// Columns follow each other from the left, each from top to bottom. Pixels of other classes and of this
/// one are counted by turns, others first.
public struct RunLengths: Equatable, Sendable {
  /// How long each run is; the first may be 0, and all add up to the map's pixels.
  public private(set) var counts: [Int] = []
  /// Pixels of the class.
  public private(set) var area = 0
  /// Pixels that are counted.
  private var end = 0

  private mutating func add(_ run: Range<Int>) {
    counts.append(run.lowerBound - end)
    counts.append(run.count)
    area += run.count
    end = run.upperBound
  }

  private mutating func finish(at total: Int) {
    if end < total { counts.append(total - end) }
    end = total
  }

  /// The counts as text, as pycocotools packs them: of each the difference from the one two before it, but
  /// of the first three themselves, in groups of five bits, the lowest first.
  public var packed: String {
    var bytes: [UInt8] = []
    for (i, count) in counts.enumerated() {
      var rest = i > 2 ? count - counts[i - 2] : count
      var isLast = false
      while !isLast {
        let group = rest & 31
        rest >>= 5
        isLast = rest == (group & 16 == 0 ? 0 : -1)
        bytes.append(UInt8(48 + group + (isLast ? 0 : 32)))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The runs of each class that a map may name, 0 … 255; without counts where the class is not there.
  static func all(of map: LabelMap) -> [RunLengths] {
    var all = [RunLengths](repeating: RunLengths(), count: 256)
    var start = 0
    var at = 0
    var last = map.labels.first ?? 0
    map.labels.withUnsafeBufferPointer { labels in
      for x in 0..<map.width {
        for y in 0..<map.height {
          let label = labels[y * map.width + x]
          if label != last {
            all[Int(last)].add(start..<at)
            (last, start) = (label, at)
          }
          at += 1
        }
      }
    }
    if start < at { all[Int(last)].add(start..<at) }
    for i in all.indices where all[i].area > 0 { all[i].finish(at: at) }
    return all
  }
}
