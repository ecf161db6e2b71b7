// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Level by level: the class tower, the anchors with the greatest logits, their candidates, the box
  /// tower, their boxes; then all threads' candidates together.
  func visit(_ step: Detect) {
    var run = DetectRun(self, step)
    for level in step.strides.indices {
      let classes = run.runTower(step.classTower, level)
      run.findAnchors(classes, level)
      barrier()
      run.keepAnchors(level)
      barrier()
      run.findCandidates(classes, level)
      barrier()
      run.computeBoxes(run.runTower(step.boxTower, level), level)
      barrier()
    }
    run.publishCandidates()
    barrier()
    if share.thread == 0 { run.suppress() }
  }
}

/// One thread's run of a detector's head.
private struct DetectRun {
  private let run: StepRun
  private let step: Detect
  private let parts: DetectScratch
  private let decoder: BoxDecoder
  /// The thread's best anchors of the level, and its best candidates of all levels.
  private var anchors: BestList<KeptAnchor>
  private var candidates: BestList<Candidate>

  private var share: Share { run.share }

  init(_ run: StepRun, _ step: Detect) {
    self.run = run
    self.step = step
    let share = run.share
    parts = DetectScratch(step, strip: share.strip) { share.inputs[$0].shape }
    decoder = BoxDecoder(step.coder, picture: step.picture)
    anchors = BestList(
      share.scratch(parts.anchors, as: KeptAnchor.self), room: step.selection.anchorsOfLevel)
    candidates = BestList(
      share.scratch(parts.candidates, as: Candidate.self), room: parts.candidateRoom)
  }

  // MARK: Convolutions

  /// What a tower makes of a level, in the maps that all threads share; the level itself without a tower.
  func runTower(_ tower: [PackedMatrix], _ level: Int) -> Map {
    var source = share.inputs[level]
    for (i, matrix) in tower.enumerated() {
      let offset = i % 2 == 0 ? parts.maps.0 : parts.maps.1
      var shape = source.shape
      shape.channels = matrix.n
      let result = Map(
        base: share.sharedScratch + offset, shape: shape, type: .int8, pitch: shape.paddedChannels,
        zeroPoint: Int32(matrix.outputZeroPoint), scale: 1)
      forEachPiece(of: source) { piece in
        var multiply = run.product(
          matrix, taps, stride: 0, to: result, piece.positions,
          scratch: share.scratch + parts.product)
        piece.read(by: &multiply)
        run.kernels.gemm_s8(&multiply)
      }
      run.barrier()
      source = result
    }
    return source
  }

  private var taps: UnsafeMutablePointer<Int8> { share.scratch(parts.taps, as: Int8.self) }
  private var sums: UnsafeMutablePointer<Int32> { share.scratch(parts.sums, as: Int32.self) }

  /// A tap outside a map.
  private func outside(_ map: Map) -> UnsafePointer<Int8> {
    let outside = share.scratch(parts.outside, as: Int8.self)
    outside.update(repeating: Int8(map.zeroPoint), count: map.shape.channels)
    return UnsafePointer(outside)
  }

  /// Calls `body` with the pieces of this thread's rows of what a convolution makes of a map.
  private func forEachPiece(of map: Map, _ body: (Band.Piece) -> Void) {
    run.forEachPiece(
      of: share.range(of: map.shape.height),
      step.band(of: map.shape, channels: map.shape.channels, strip: share.strip),
      of: (map.position(0), map.pitch, map.zeroPoint), outside: parts.outside, band: parts.band,
      body)
  }

  /// Gathers the neighbourhood of a position as a row of a matrix.
  private func gather(_ map: Map, _ position: Int, to row: Int) {
    var arguments = lvt_taps_args(
      in: UnsafePointer(map.position(0)), pixel_stride: map.pitch, height: map.shape.height,
      width: map.shape.width, channels: map.shape.channels, kernel: step.kernel,
      row: position / map.shape.width, column: position % map.shape.width, outside: outside(map),
      out: taps + row * parts.tapsPitch)
    run.kernels.taps_s8(&arguments)
  }

  /// The sums of the last convolution, of so many gathered neighbourhoods or of those of a piece.
  private func multiply(_ matrix: PackedMatrix, rows: Int, _ piece: Band.Piece? = nil) {
    var arguments = run.product(
      matrix, taps, stride: parts.tapsPitch, rows: rows, out: sums,
      outStride: parts.sumsPitch * 4, scratch: share.scratch + parts.product)
    arguments.output = LVT_OUTPUT_S32
    piece?.read(by: &arguments)
    run.kernels.gemm_s8(&arguments)
  }

  /// A column of a sum as a real number.
  private func real(_ matrix: PackedMatrix, row: Int, _ column: Int) -> Float {
    RealColumns(run, matrix)?[column, sums + row * parts.sumsPitch] ?? 0
  }

  // MARK: Anchors

  /// Finds the best of this thread's anchors.
  mutating func findAnchors(_ map: Map, _ level: Int) {
    let count = step.anchors.count, classes = step.classes
    anchors = BestList(
      share.scratch(parts.anchors, as: KeptAnchor.self), room: step.selection.anchorsOfLevel)
    var found = anchors
    forEachPiece(of: map) { piece in
      multiply(step.classOutput, rows: piece.positions.count, piece)
      for (row, position) in piece.positions.enumerated() {
        for anchor in 0..<count {
          var greatest = -Float.infinity
          for column in anchor * classes..<(anchor + 1) * classes {
            greatest = max(greatest, real(step.classOutput, row: row, column))
          }
          if greatest > step.selection.leastLogit {
            found.offer(
              KeptAnchor(logit: greatest, index: Int32(position * count + anchor)))
          }
        }
      }
    }
    anchors = found
    share.scratch(parts.ownCounts, as: Int32.self)[0] = Int32(anchors.count)
  }

  /// The first thread keeps the best of all threads' anchors of a level, in the order of their places.
  func keepAnchors(_ level: Int) {
    guard share.thread == 0 else { return }
    let room = step.selection.anchorsOfLevel, kept = kept(level)
    var best = BestList(kept, room: room)
    for thread in 0..<share.threads {
      let scratch = share.scratch(ofThread: thread)
      let found = Int((scratch + parts.ownCounts).load(as: Int32.self))
      let anchors = (scratch + parts.anchors).assumingMemoryBound(to: KeptAnchor.self)
      for i in 0..<found { best.offer(anchors[i]) }
    }
    counts[level] = Int32(best.count)
    // Places in ascending order are what neighbours share their neighbourhoods by.
    var ordered = BestList(kept, room: best.count)
    for i in 0..<best.count { ordered.offer(KeptAnchor(logit: 0, index: kept[i].index)) }
    ordered.sort()
  }

  private func kept(_ level: Int) -> UnsafeMutablePointer<KeptAnchor> {
    share.sharedScratch(parts.kept, as: KeptAnchor.self) + level * step.selection.anchorsOfLevel
  }

  private var counts: UnsafeMutablePointer<Int32> {
    share.sharedScratch(parts.counts, as: Int32.self)
  }

  /// Calls `body` with each of this thread's kept anchors of a level, its slot, and the row of the sums that
  /// its position has.
  private func forEachKept(
    _ map: Map, _ level: Int, _ matrix: PackedMatrix,
    _ body: (_ anchor: Int, _ slot: Int, _ row: Int) -> Void
  ) {
    let kept = kept(level), count = step.anchors.count
    let all = share.range(of: Int(counts[level]))
    var start = all.lowerBound
    while start < all.upperBound {
      // As many anchors as lie at the positions of a strip.
      var end = start, rows = 0, position = -1
      while end < all.upperBound {
        let next = Int(kept[end].index) / count
        if next != position {
          if rows == parts.stripRows { break }
          gather(map, next, to: rows)
          (position, rows) = (next, rows + 1)
        }
        end += 1
      }
      multiply(matrix, rows: rows)
      var row = -1
      position = -1
      for i in start..<end {
        let index = Int(kept[i].index)
        if index / count != position { (position, row) = (index / count, row + 1) }
        body(index, level * step.selection.anchorsOfLevel + i, row)
      }
      start = end
    }
  }

  // MARK: Candidates and boxes

  /// Offers the classes of this thread's kept anchors.
  mutating func findCandidates(_ map: Map, _ level: Int) {
    var found = candidates
    let count = step.anchors.count, classes = step.classes
    forEachKept(map, level, step.classOutput) { anchor, slot, row in
      for k in 0..<classes {
        let logit = real(step.classOutput, row: row, anchor % count * classes + k)
        if logit > step.selection.leastLogit {
          found.offer(Candidate(logit: logit, slot: Int32(slot), classIndex: Int32(k)))
        }
      }
    }
    candidates = found
  }

  /// Computes the boxes of this thread's kept anchors.
  func computeBoxes(_ map: Map, _ level: Int) {
    let count = step.anchors.count, boxes = boxes
    let grid = AnchorGrid(
      step.anchors, stride: step.strides[level], columns: map.shape.width, decoder)
    forEachKept(map, level, step.boxOutput) { anchor, slot, row in
      var offsets = SIMD4<Float>()
      for i in 0..<4 { offsets[i] = real(step.boxOutput, row: row, anchor % count * 4 + i) }
      boxes[slot] = grid.box(anchor, offsets: offsets)
    }
  }

  private var boxes: UnsafeMutablePointer<SIMD4<Float>> {
    share.sharedScratch(parts.boxes, as: SIMD4<Float>.self)
  }

  /// Lets the first thread see how many candidates there are.
  func publishCandidates() {
    share.scratch(parts.ownCounts, as: Int32.self)[1] = Int32(candidates.count)
  }

  /// Takes the best boxes of all threads' candidates.
  mutating func suppress() {
    for thread in 1..<max(1, share.threads) {
      let scratch = share.scratch(ofThread: thread)
      let count = Int((scratch + parts.ownCounts).load(fromByteOffset: 4, as: Int32.self))
      let found = (scratch + parts.candidates).assumingMemoryBound(to: Candidate.self)
      for i in 0..<count { candidates.offer(found[i]) }
    }
    candidates.sort()
    Suppression(overlap: step.selection.overlap, boxes: step.selection.boxes).run(
      UnsafeBufferPointer(
        start: share.scratch(parts.candidates, as: Candidate.self), count: candidates.count),
      boxes: boxes, to: share.output.base.assumingMemoryBound(to: Float.self), score: sigmoid)
  }
}
