// SPDX-License-Identifier: Apache-2.0
package import LVTModel

/// Takes the best regions of all levels, without those that overlap a better one of their level too much.
package struct RegionSelection {
  private let overlap: Float
  private let regions: Int

  /// The rules of a step.
  package init(_ step: Proposals) { (overlap, regions) = (step.overlap, step.regions) }

  /// Writes regions as ``LVTModel/Proposals`` says.
  ///
  /// - Parameters:
  ///   - levels: How many there are, at most ``LVTModel/Proposals/mostLevels``.
  ///   - kept: Those of each level, the best first, `room` from one level to the next.
  ///   - counts: How many each level has.
  ///   - levelOfRegion: Room for a byte of each region.
  ///   - out: Room for the most regions.
  package func run(
    levels: Int, _ kept: UnsafePointer<Region>, room: Int, counts: UnsafePointer<Int32>,
    levelOfRegion: UnsafeMutablePointer<UInt8>, to out: UnsafeMutablePointer<Float>
  ) {
    var count = 0
    var starts = SIMD8<Int32>(repeating: 0)
    while count < regions {
      var best: Int?
      for level in 0..<levels where starts[level] < counts[level] {
        let next = kept[level * room + Int(starts[level])]
        if let known = best, next.logit <= kept[known * room + Int(starts[known])].logit {
          continue
        }
        best = level
      }
      guard let level = best else { break }
      let region = kept[level * room + Int(starts[level])]
      starts[level] += 1
      let isCovered = (0..<count).contains { other in
        let row = out + other * Proposals.regionValues
        return levelOfRegion[other] == UInt8(level)
          && intersectionOverUnion(region.box, SIMD4(row[0], row[1], row[2], row[3])) > overlap
      }
      if isCovered { continue }
      let row = out + count * Proposals.regionValues
      for i in 0..<4 { row[i] = region.box[i] }
      row[4] = sigmoid(region.logit)
      levelOfRegion[count] = UInt8(level)
      count += 1
    }
    for i in count * Proposals.regionValues..<regions * Proposals.regionValues { out[i] = 0 }
  }
}
