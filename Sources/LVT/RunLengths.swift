// SPDX-License-Identifier: Apache-2.0

/// Some of a picture's pixels as COCO writes them: those of a class, or of an object.
///
/// Columns follow each other from the left, each from top to bottom. Pixels that are not among them and
/// pixels that are get counted by turns.
public struct RunLengths: Equatable, Sendable {
  /// How long each run is; only the first may be 0, and all add up to the picture's pixels.
  public private(set) var counts: [Int] = []
  /// How many pixels they are.
  public private(set) var area = 0
  /// Pixels that are counted: those of the picture.
  public private(set) var pixels = 0

  /// No pixels yet, of a picture of none.
  init() {}

  /// Appends pixels behind those that are counted; the ones in between are not among them.
  mutating func add(_ run: Range<Int>) {
    if run.isEmpty { return }
    if run.lowerBound == pixels, !counts.isEmpty {
      counts[counts.count - 1] += run.count
    } else {
      counts.append(run.lowerBound - pixels)
      counts.append(run.count)
    }
    area += run.count
    pixels = run.upperBound
  }

  /// Counts the rest of a picture of so many pixels; to be called once, after the last run.
  mutating func finish(at total: Int) {
    if pixels < total { counts.append(total - pixels) }
    pixels = total
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
