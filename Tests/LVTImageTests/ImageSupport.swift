// SPDX-License-Identifier: Apache-2.0

import Foundation
import LVTImage
import LVTModel

/// Returns the path of a file that `Tests/Fixtures/image/make.py` wrote.
func fixturePath(_ name: String, from file: String = #filePath) -> String {
  URL(fileURLWithPath: file)
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/image/\(name)").path
}

/// Returns the bytes of a fixture.
func fixture(_ name: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath(name))))
}

/// A picture made of splitmix64's bytes, the same as `noise` in `make.py`.
func noise(seed: UInt64, width: Int, height: Int) throws(ImageError) -> Image {
  let image = try Image(width: width, height: height)
  image.withPixels { Golden(seed: seed, stepHashes: []).fill($0) }
  return image
}

/// The 64-bit FNV-1a hash.
func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// Resizes a picture.
func resized(_ source: Image, _ spec: InputSpec) throws(ImageError) -> [UInt8] {
  try Resizer(spec: spec).bytes(source)
}

extension Resizer {
  /// The input that a picture becomes.
  func bytes(_ source: Image) throws(ImageError) -> [UInt8] {
    try source.withView { view throws(ImageError) in try bytes(view) }
  }

  /// The input that a picture becomes.
  func bytes(_ source: ImageView) throws(ImageError) -> [UInt8] {
    let output = try Image(width: spec.width, height: spec.height)
    try output.withPixels { pixels throws(ImageError) in try resize(source, into: pixels) }
    return output.bytes
  }
}

extension Image {
  /// A copy of the pixels.
  var bytes: [UInt8] { withPixels { Array($0) } }
}

/// Makes a folder for the length of `body`.
func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("lvt-image-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Writes bytes into a pipe from a thread.
func pipeline(_ bytes: [UInt8]) -> Pipe {
  // The reader may go before all is written.
  signal(SIGPIPE, SIG_IGN)
  let pipe = Pipe()
  Thread.detachNewThread {
    try? pipe.fileHandleForWriting.write(contentsOf: bytes)
    try? pipe.fileHandleForWriting.close()
  }
  return pipe
}
