// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTCapture

/// The files that are written for each picture beside its line: drawings and label maps.
final class ResultFiles {
  /// What a file is made of.
  enum Source {
    case picture(path: String)
    case frame(number: Int)
  }

  private var drawings: OutputFolder?
  private var maps: OutputFolder?

  /// The folders that are asked for; nil, and a report, if nothing can be written into one.
  init?(_ arguments: Arguments) {
    for (path, ending) in [(arguments.drawings, ".jpg"), (arguments.masks, ".pgm")] {
      guard let path else { continue }
      do throws(CaptureError) {
        let folder = try OutputFolder(path: path, ending: ending, inputs: arguments.pictures)
        if ending == ".jpg" { drawings = folder } else { maps = folder }
      } catch {
        Console.report("\(path): \(error.description)")
        return nil
      }
    }
  }

  /// Whether pictures are drawn on, for which they have to be images.
  var areDrawn: Bool { drawings != nil }

  /// Writes what is asked for.
  ///
  /// - Parameter image: The picture, over which drawings are made; nil if there are none.
  /// - Returns: Whether all could be written; a report says what could not.
  func write(_ finding: Finding, _ image: Image?, of source: Source) -> Bool {
    var allWorked = true
    if case .pixels(let map, _, _) = finding, maps != nil {
      allWorked = write(into: &maps, of: source) { path throws(CaptureError) in
        try PNMFile.write(map.labels, width: map.width, height: map.height, path: path)
      }
    }
    if let image, drawings != nil {
      finding.draw(on: image)
      let isWritten = write(into: &drawings, of: source) { path throws(CaptureError) in
        try JPEGOutput.write(image, path: path)
      }
      if !isWritten { allWorked = false }
    }
    return allWorked
  }

  private func write(
    into folder: inout OutputFolder?, of source: Source,
    _ body: (String) throws(CaptureError) -> Void
  ) -> Bool {
    let place: String?
    do throws(CaptureError) {
      switch source {
      case .picture(let path): place = try folder?.place(of: path)
      case .frame(let number): place = try folder?.place(ofFrame: number)
      }
    } catch {
      switch source {
      case .picture(let path): Console.report("\(path): \(error.description)")
      case .frame(let number): Console.report("frame \(number): \(error.description)")
      }
      return false
    }
    guard let place else { return true }
    do throws(CaptureError) { try body(place) } catch {
      Console.report("\(place): \(error.description)")
      return false
    }
    return true
  }
}
