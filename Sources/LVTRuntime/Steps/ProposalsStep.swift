// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Level by level: each thread keeps the best boxes of its rows, then one thread those of all; at last the best
  /// of all levels.
  func visit(_ step: Proposals) {
    var run = ProposalsRun(self, step)
    for level in step.strides.indices {
      run.findRegions(level)
      barrier()
      run.keepRegions(level)
      barrier()
    }
    if share.thread == 0 { run.select() }
  }
}

/// One thread's run of a region proposal network.
private struct ProposalsRun {
  private let run: StepRun
  private let step: Proposals
  private let parts: ProposalsScratch
  private let decoder: BoxDecoder

  private var share: Share { run.share }

  init(_ run: StepRun, _ step: Proposals) {
    self.run = run
    self.step = step
    let share = run.share
    parts = ProposalsScratch(step, strip: share.strip) { share.inputs[$0].shape }
    decoder = BoxDecoder(step.coder, picture: step.picture)
  }

  /// Finds the best of this thread's anchors of a level.
  mutating func findRegions(_ level: Int) {
    let map = share.inputs[level], columns = map.shape.width
    var found = BestList(
      share.scratch(parts.anchors, as: Region.self), room: step.anchorsOfLevel)
    let grid = AnchorGrid(step.anchors, stride: step.strides[level], columns: columns, decoder)
    run.forEachPiece(
      of: share.range(of: map.shape.height),
      ProposalsScratch.band(step, of: map.shape, strip: share.strip),
      of: (map.position(0), map.pitch, map.zeroPoint), outside: parts.outside, band: parts.band
    ) { piece in
      multiply(piece)
      offer(piece.positions, grid, &found)
    }
    share.scratch(parts.ownCount, as: Int32.self)[0] = Int32(found.count)
  }

  private var sums: UnsafeMutablePointer<Int32> { share.scratch(parts.sums, as: Int32.self) }

  /// The sums of a piece's logits and offsets.
  private func multiply(_ piece: Band.Piece) {
    let hidden = share.scratch(parts.hidden, as: Int8.self), rows = piece.positions.count
    let scratch = share.scratch + parts.product
    var convolve = run.product(
      step.convolution, hidden, stride: 0, rows: rows, out: hidden, outStride: parts.hiddenPitch,
      scratch: scratch)
    piece.read(by: &convolve)
    run.kernels.gemm_s8(&convolve)
    var last = run.product(
      step.output, hidden, stride: parts.hiddenPitch, rows: rows, out: sums,
      outStride: parts.sumsPitch * 4, scratch: scratch)
    last.output = LVT_OUTPUT_S32
    run.kernels.gemm_s8(&last)
  }

  /// Offers the boxes of positions whose sums are known.
  private func offer(
    _ positions: Range<Int>, _ grid: AnchorGrid, _ found: inout BestList<Region>
  ) {
    let count = step.anchors.count
    guard let reals = RealColumns(run, step.output) else { return }
    for (row, position) in positions.enumerated() {
      let sums = sums + row * parts.sumsPitch
      for anchor in 0..<count {
        let logit = reals[anchor, sums], index = position * count + anchor
        // What comes later has a greater index, so of equals the ones that are kept are better.
        if let least = found.worstOfFull, logit <= least.logit { continue }
        var offsets = SIMD4<Float>()
        for i in 0..<4 { offsets[i] = reals[count + 4 * anchor + i, sums] }
        found.offer(
          Region(box: grid.box(index, offsets: offsets), logit: logit, index: Int32(index)))
      }
    }
  }

  /// The first thread keeps the best of all threads' regions of a level, the best first.
  func keepRegions(_ level: Int) {
    guard share.thread == 0 else { return }
    let kept = share.sharedScratch(parts.kept, as: Region.self) + level * step.anchorsOfLevel
    var best = BestList(kept, room: step.anchorsOfLevel)
    for thread in 0..<share.threads {
      let scratch = share.scratch(ofThread: thread)
      let found = Int((scratch + parts.ownCount).load(as: Int32.self))
      let anchors = (scratch + parts.anchors).assumingMemoryBound(to: Region.self)
      for i in 0..<found { best.offer(anchors[i]) }
    }
    best.sort()
    var count = 0
    for i in 0..<best.count where kept[i].hasArea {
      kept[count] = kept[i]
      count += 1
    }
    share.sharedScratch(parts.counts, as: Int32.self)[level] = Int32(count)
  }

  /// Takes the best of all levels.
  func select() {
    RegionSelection(step).run(
      levels: step.strides.count, share.sharedScratch(parts.kept, as: Region.self),
      room: step.anchorsOfLevel, counts: share.sharedScratch(parts.counts, as: Int32.self),
      levelOfRegion: share.sharedScratch(parts.levels, as: UInt8.self),
      to: share.output.base.assumingMemoryBound(to: Float.self))
  }
}
