// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// Label maps as pictures: binary PGM files (P5) with 255 levels, of which each is a class.
public enum PGMFile {
  /// Writes a map.
  ///
  /// What is there is replaced whole or left as it is.
  ///
  /// - Parameters:
  ///   - labels: width × height bytes, row after row.
  ///   - width: Pixels of a row.
  ///   - height: Rows.
  /// - Throws: ``CaptureError/unwritable(reason:)``
  public static func write(
    _ labels: [UInt8], width: Int, height: Int, path: String
  ) throws(CaptureError) {
    precondition(labels.count == width * height)
    let head = Array("P5\n\(width) \(height)\n255\n".utf8)
    let status = lvt_write_file(path, head, head.count, labels, labels.count)
    guard status == 0 else { throw .unwritable(reason: String(cString: lvt_error_text(status))) }
  }
}
