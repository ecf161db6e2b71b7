// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture

/// Classifies files one after the other.
///
/// A file that cannot be read is reported and passed over.
struct PictureRun {
  private let classifier: Classifier
  private let decoder: JPEGDecoder
  private let arguments: Arguments

  init(_ classifier: Classifier, _ decoder: JPEGDecoder, _ arguments: Arguments) {
    self.classifier = classifier
    self.decoder = decoder
    self.arguments = arguments
  }

  /// Whether every picture could be read.
  func run() -> Bool {
    var allWorked = true
    for argument in arguments.pictures {
      do throws(CaptureError) {
        for path in try PictureFiles.at(argument) {
          if !classify(path) { allWorked = false }
        }
      } catch {
        Console.report("\(argument): \(error.description)")
        allWorked = false
      }
    }
    return allWorked
  }

  private func classify(_ path: String) -> Bool {
    do throws(CaptureError) {
      let picture =
        PPMFile.isNamed(path) ? try PPMFile.read(path: path) : try decoder.read(path: path)
      do throws(ImageError) {
        try picture.withView { view throws(ImageError) in try classifier.load(view) }
      } catch {
        Console.report("\(path): \(error.description)")
        return false
      }
    } catch {
      Console.report("\(path): \(error.description)")
      return false
    }
    let start = lvt_nanoseconds()
    classifier.engine.run()
    report(path, milliseconds: Double(lvt_nanoseconds() - start) / 1e6)
    return true
  }

  private func report(_ path: String, milliseconds: Double) {
    guard classifier.engine.plan.classes != nil else {
      let line = FeatureLine(
        file: path, outputs: classifier.engine.outputs, milliseconds: milliseconds)
      Console.print(arguments.json ? line.json : line.text)
      return
    }
    let line = ResultLine(
      file: path, classification: classifier.classification, milliseconds: milliseconds)
    Console.print(
      arguments.json
        ? line.json(top: arguments.shownClasses, logits: arguments.logits)
        : line.text(top: arguments.shownClasses))
  }
}
