// SPDX-License-Identifier: Apache-2.0
package import LVTImage
internal import LVTModel
package import LVTRuntime

/// An engine with the resize that its plan asks for, and the way back to the pixels of the picture.
///
/// ``Classifier``, ``Detector`` and ``Segmenter`` have this in common. Not for two callers at once.
package final class PictureInput {
  /// What runs the plan.
  package let engine: Engine
  /// From the input to the picture that it holds; nil if it holds none.
  package private(set) var mapping: PictureMapping?
  private let resizer: Resizer

  /// The input of an engine.
  ///
  /// - Throws: ``ImageError/input(_:)`` if no picture can be resized to it.
  package init(engine: Engine) throws(ImageError) {
    self.engine = engine
    resizer = try Resizer(spec: engine.plan.input, isa: engine.isa)
  }

  /// Resizes a picture into the engine's input, which may overwrite the results of the last run.
  package func load(_ picture: ImageView) throws(ImageError) {
    mapping = nil
    let result: Result<Void, ImageError> = engine.withPicture { pixels in
      do throws(ImageError) {
        try resizer.resize(picture, into: pixels)
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
    mapping = try PictureMapping(
      width: picture.width, height: picture.height, spec: resizer.spec)
  }

  /// As the engine's; there is no picture afterwards.
  package func verify() throws(VerificationError) {
    mapping = nil
    try engine.verify()
  }

  /// As ``init(engine:)``, with the error of those who ask for a result besides.
  static func of(_ engine: Engine) throws(ResultError) -> PictureInput {
    do throws(ImageError) { return try PictureInput(engine: engine) } catch {
      throw .image(error)
    }
  }

  /// The values of the first result of a kind.
  ///
  /// - Throws: ``ResultError/missing(_:)``
  func result(_ kind: PlanOutput.Kind) throws(ResultError) -> UnsafeRawBufferPointer {
    for output in engine.outputs where output.kind == kind { return output.bytes }
    throw .missing(kind)
  }
}
