// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// A path from the system, whatever its bytes, as text that every function of lvt with a path takes.
///
/// It is the path itself unless that is not UTF-8, which Swift would repair and so not find again.
/// ``terminalText(_:limit:)`` shows the bytes that are none as `\\xff`.
public func pathText(_ path: UnsafePointer<CChar>) -> String {
  var text = [CChar](repeating: 0, count: lvt_path_text(path, nil, 0) + 1)
  let count = lvt_path_text(path, &text, text.count)
  return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
