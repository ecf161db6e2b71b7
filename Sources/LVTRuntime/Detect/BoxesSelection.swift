// SPDX-License-Identifier: Apache-2.0
package import LVTModel

extension Boxes {
  /// Finds the objects; see ``LVTModel/Boxes``.
  ///
  /// - Parameters:
  ///   - said: What a stage says of the regions.
  ///   - scores: Room for the classes and the background.
  ///   - candidates: Room for those of all regions; likewise `boxes`.
  ///   - out: Room for the most boxes.
  package func find(
    in regions: RegionRows, said: (_ stage: Int) -> UnsafePointer<Float>,
    scores: UnsafeMutablePointer<Double>, candidates: UnsafeMutablePointer<Candidate>,
    room: Int, boxes edges: UnsafeMutablePointer<SIMD4<Float>>, to out: UnsafeMutablePointer<Float>
  ) {
    let decoder = BoxDecoder(reading.coder, picture: reading.picture)
    let values = reading.values, last = said(stages - 1)
    var found = BestList(candidates, room: room)
    for row in 0..<regions.count {
      score(row, said, scores)
      for k in 0..<reading.classes where Float(scores[k]) > leastScore {
        let slot = found.count
        // No more classes than there is room for have such scores.
        guard slot < room else { break }
        edges[slot] = reading.box(
          regions.box(row), ofClass: k, last + row * values, decoder)
        found.offer(
          Candidate(logit: Float(scores[k]), slot: Int32(slot), classIndex: Int32(k)))
      }
    }
    found.sort()
    Suppression(overlap: overlap, boxes: boxes).run(
      UnsafeBufferPointer(start: candidates, count: found.count), boxes: edges, to: out
    ) { $0 }
  }

  /// Softmax over the mean of the stages' logits.
  private func score(
    _ row: Int, _ said: (Int) -> UnsafePointer<Float>, _ scores: UnsafeMutablePointer<Double>
  ) {
    let count = reading.classes + 1
    for k in 0..<count { scores[k] = 0 }
    for stage in 0..<stages {
      let logits = said(stage) + row * reading.values
      for k in 0..<count { scores[k] += Double(logits[k]) }
    }
    var greatest = -Double.infinity
    for k in 0..<count {
      scores[k] /= Double(stages)
      greatest = max(greatest, scores[k])
    }
    var sum = 0.0
    for k in 0..<count {
      scores[k] = exponential(max(-600, scores[k] - greatest))
      sum += scores[k]
    }
    for k in 0..<count { scores[k] /= sum }
  }
}
