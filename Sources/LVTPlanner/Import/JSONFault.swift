// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// What `JSONDecoder` says is wrong with a text, and where, in one line without the text's name.
func faultInJSON(_ error: any Error) -> String {
  func place(_ context: DecodingError.Context, _ key: String? = nil) -> String {
    let path = context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }
    return (path + (key.map { [$0] } ?? [])).joined(separator: ".")
  }
  return switch error as? DecodingError {
  case .keyNotFound(let key, let context): "expected '\(place(context, key.stringValue))'"
  case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
    "'\(place(context))': expected \(type)"
  case .dataCorrupted(let context) where context.codingPath.isEmpty: context.debugDescription
  case .dataCorrupted(let context): "'\(place(context))': \(context.debugDescription)"
  default: error.localizedDescription
  }
}
