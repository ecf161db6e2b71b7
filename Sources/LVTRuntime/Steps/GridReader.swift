// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// Reads a map on a grid of other extents, row by row.
struct GridReader {
  private let map: Map
  private let rows: ResampledAxis
  private let columns: Int
  private let resampling: Resampling
  private let places: UnsafeMutablePointer<lvt_place>
  private let between: UnsafeMutablePointer<Int16>

  /// Where a row is put that no one says a place for.
  let row: UnsafeMutablePointer<Int8>

  /// A reader that is to be prepared once for its scratch.
  ///
  /// - Parameter scratch: As ``LVTModel/ResampleScratch`` divides it.
  init(_ map: Map, grid: Extent, _ resampling: Resampling, scratch: UnsafeMutableRawPointer) {
    self.map = map
    self.resampling = resampling
    rows = ResampledAxis(extent: map.shape.height, grid: grid.height, resampling)
    columns = grid.width
    let parts = ResampleScratch(map.shape, pitch: map.pitch, grid: grid.width)
    places = (scratch + parts.places).assumingMemoryBound(to: lvt_place.self)
    between = (scratch + parts.between).assumingMemoryBound(to: Int16.self)
    row = (scratch + parts.row).assumingMemoryBound(to: Int8.self)
  }

  /// Finds out where each column lies.
  func prepare() {
    places.fill(ResampledAxis(extent: map.shape.width, grid: columns, resampling), columns)
  }

  /// Writes a row of the grid, its positions as far apart as the map's.
  func read(row y: Int, to out: UnsafeMutablePointer<Int8>, _ kernels: lvt_kernels) {
    let place = rows[y], width = map.shape.width
    let above = map.position(Int(place.first) * width)
    guard resampling == .bilinear else {
      for x in 0..<columns {
        (out + x * map.pitch).update(
          from: above + Int(places[x].first) * map.pitch, count: map.pitch)
      }
      return
    }
    let below = place.weight == 0 ? above : map.position((Int(place.first) + 1) * width)
    var arguments = lvt_resample_args(
      above: above, below: below, below_weight: place.weight, width: width, pitch: map.pitch,
      places: places, columns: columns, scratch: between, out: out)
    kernels.resample_s8(&arguments)
  }
}

extension UnsafeMutablePointer<lvt_place> {
  /// Stores where each of so many places lies.
  func fill(_ axis: ResampledAxis, _ count: Int) {
    for i in 0..<count {
      let place = axis[i]
      self[i] = lvt_place(first: place.first, weight: place.weight)
    }
  }
}
