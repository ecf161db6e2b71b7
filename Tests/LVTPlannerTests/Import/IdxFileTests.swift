// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LVTPlanner

struct IdxFileTests {
  private func readAny(_ file: FileBytes) throws(ImportError) {
    _ = try IdxImages.read(file)
  }

  @Test(arguments: ["images.idx", "images.idx.gz"]) func picturesAreRead(name: String) throws {
    let images = try IdxImages.read(path: fixturePath(name))
    #expect(images == IdxImages(count: 3, rows: 2, columns: 4, pixels: Array(0..<24)))
  }

  @Test(arguments: ["labels.idx", "labels.idx.gz"]) func labelsAreRead(name: String) throws {
    #expect(try IdxLabels.read(path: fixturePath(name)).labels == [7, 0, 9])
  }

  @Test func labelsAreNoPictures() {
    let error = message { () throws(ImportError) in
      _ = try IdxImages.read(path: fixturePath("labels.idx.gz"))
    }
    #expect(error?.hasSuffix("magic number 0x00000803, found magic number 0x00000801") == true)
  }

  @Test(arguments: ["images.idx", "images.idx.gz"])
  func truncatedFileIsRejectedAtEveryLength(name: String) throws {
    expectErrorAtEveryLength(of: try fixture(name), readAny)
  }

  @Test(arguments: ["images.idx", "images.idx.gz"])
  func trailingBytesAreRejected(name: String) throws {
    let content = try fixture(name) + [0]
    #expect(message { () throws(ImportError) in try readAny(file(content)) } != nil)
  }

  @Test func sizesBeyondTheFileAreRejectedBeforeAnythingIsAllocated() throws {
    var content = try fixture("images.idx")
    for index in 4..<16 { content[index] = 0xFF }
    let error = message { () throws(ImportError) in try readAny(file(content)) }
    #expect(error?.contains("that 40 bytes can hold") == true)
  }

  /// A claim that the packed size allows is believed block by block only.
  @Test func claimedPicturesBeyondTheLimitAreRejected() throws {
    var packed = try fixture("images.idx.gz")
    // A size so large that the ratio of deflate does not exclude the claim.
    packed += [UInt8](repeating: 0, count: 5_000_000)
    let reader = try GzipReader(file(packed))
    let error = message { () throws(ImportError) in
      _ = try reader.read(GzipReader.maximumCount + 1, "pictures")
    }
    #expect(error?.contains("pictures is over the limit of \(GzipReader.maximumCount)") == true)
    let truncated = message { () throws(ImportError) in
      _ = try reader.read(GzipReader.maximumCount, "pictures")
    }
    #expect(truncated?.contains("after 40 bytes") == true, "\(truncated ?? "")")
  }

  @Test func emptyPicturesAreRejected() throws {
    var content = try fixture("images.idx")
    for index in 8..<12 { content[index] = 0 }
    let error = message { () throws(ImportError) in try readAny(file(Array(content[..<16]))) }
    #expect(error?.contains("sizes of at least 1") == true)
  }

  @Test func damagedGzipIsNoticedByItsChecksum() throws {
    var content = try fixture("images.idx.gz")
    content[content.count - 8] ^= 1
    let error = message { () throws(ImportError) in try readAny(file(content)) }
    #expect(error?.contains("incorrect data check") == true)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["images.idx", "images.idx.gz"])
  func damagedFileNeverCrashes(name: String) throws {
    expectNoCrash(mutating: try fixture(name), rounds: 5_000, seed: 8, readAny)
  }
}
