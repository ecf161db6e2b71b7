// SPDX-License-Identifier: Apache-2.0

/// The objects in a set of pictures, as a data set's files say: ``COCOFile`` and ``VOCFolder`` read it.
public struct DetectionTruth: Equatable, Sendable {
  /// A picture and what is in it.
  public struct Picture: Equatable, Sendable {
    /// Where its file should be.
    public let path: String
    /// Its sides in pixels, at least 1; nil if the data set does not say.
    public let width, height: Int?
    /// Indices of classes are those of ``DetectionTruth/classes``.
    public internal(set) var objects: [TrueObject]

    /// A picture; sides below 1, which some tools write, are not known.
    init(path: String, width: Int?, height: Int?, objects: [TrueObject] = []) {
      self.path = path
      self.width = width.flatMap { $0 < 1 ? nil : $0 }
      self.height = height.flatMap { $0 < 1 ? nil : $0 }
      self.objects = objects
    }

    /// The path of a picture whose name a data set has.
    ///
    /// - Parameters:
    ///   - name: Its name, perhaps with folders inside the folder.
    ///   - file: The file in which the name is, for messages.
    /// - Throws: ``ImportError`` if the name leads out of the folder, or is none.
    static func path(
      of name: String, in folder: String, file: String
    ) throws(ImportError) -> String {
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard !name.contains("\0"), parts.allSatisfy({ !$0.isEmpty && $0 != ".." }) else {
        throw .missing(
          file: file, expected: "names of files in the folder of pictures", found: "'\(name)'")
      }
      return folder + (folder.hasSuffix("/") ? "" : "/") + name
    }
  }

  /// In the data set's order.
  public let pictures: [Picture]
  /// Names of the classes.
  public let classes: [String]
  /// Boxes that are not as they should be.
  public let faults: BoxFaults
}
