// SPDX-License-Identifier: Apache-2.0

/// Writes JPEGs that no encoder would.
///
/// They have no Huffman tables, so the usual ones apply.
struct JPEGBuilder {
  private(set) var bytes: [UInt8] = [0xFF, 0xD8]

  /// Starts with a quantization table of ones and a frame header; components are not subsampled.
  init(width: Int, height: Int, components: Int, precision: UInt8 = 8, frame: UInt8 = 0xC0) {
    segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    var header: [UInt8] = [precision]
    for side in [height, width] { header += [UInt8(side >> 8 & 0xFF), UInt8(side & 0xFF)] }
    header.append(UInt8(components))
    for component in 0..<components { header += [UInt8(component + 1), 0x11, 0] }
    segment(frame, header)
  }

  /// A segment with its length.
  mutating func segment(_ marker: UInt8, _ content: [UInt8]) {
    let length = content.count + 2
    bytes += [0xFF, marker, UInt8(length >> 8), UInt8(length & 0xFF)] + content
  }

  /// The header of a scan of some components.
  mutating func scan(_ components: [UInt8]) {
    var header = [UInt8(components.count)]
    for component in components { header += [component, 0] }
    segment(0xDA, header + [0, 63, 0])
  }

  /// An 8×8 block of the middle grey: the codes for "no change" (00) and "no more" (1010).
  mutating func flatBlock() { bytes.append(0b0010_1011) }

  /// Four times so many blocks of the middle grey, without bits between them.
  mutating func flatBlocks(fours: Int) {
    for _ in 0..<fours { bytes += [0b0010_1000, 0b1010_0010, 0b1000_1010] }
  }

  /// The end of the picture.
  mutating func end() { bytes += [0xFF, 0xD9] }
}
