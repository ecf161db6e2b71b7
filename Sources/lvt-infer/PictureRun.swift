// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture

/// Runs a plan on files one after the other.
///
/// A file that cannot be read is reported and passed over.
struct PictureRun {
  private let finder: Finder
  private let decoder: PictureDecoder
  private let files: ResultFiles
  private let arguments: Arguments

  init(
    _ finder: Finder, _ decoder: PictureDecoder, _ files: ResultFiles, _ arguments: Arguments
  ) {
    self.finder = finder
    self.decoder = decoder
    self.files = files
    self.arguments = arguments
  }

  /// Whether every picture could be read, and all files written.
  func run() -> Bool {
    var allWorked = true
    for argument in arguments.pictures {
      do throws(CaptureError) {
        let found = try PictureFiles(at: argument, kinds: decoder.kinds)
        if let others = found.passedOver { Console.report("\(argument): passed over \(others)") }
        for path in found.paths {
          if !run(path) { allWorked = false }
        }
      } catch {
        Console.report("\(argument): \(error.description)")
        allWorked = false
      }
    }
    return allWorked
  }

  private func run(_ path: String) -> Bool {
    let image: Image
    do throws(CaptureError) { image = try load(path) } catch {
      Console.report("\(path): \(error.description)")
      return false
    }
    let start = lvt_nanoseconds()
    finder.engine.run()
    let milliseconds = Double(lvt_nanoseconds() - start) / 1e6
    let finding = finder.finding(withMasks: arguments.json || files.areDrawn)
    Console.print(finding.line(file: path, milliseconds: milliseconds, arguments))
    return files.write(finding, image, of: .picture(path: path))
  }

  private func load(_ path: String) throws(CaptureError) -> Image {
    let image = try decoder.read(path: path)
    do throws(ImageError) {
      try image.withView { view throws(ImageError) in try finder.load(view) }
    } catch { throw .image(error) }
    return image
  }
}
