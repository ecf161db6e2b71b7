// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// A classification as one line of text, for people or as JSON.
public struct ResultLine: Sendable {
  /// The picture's path, or another name for it.
  public let file: String
  /// What was found.
  public let classification: Classification
  /// How long the network ran.
  public let milliseconds: Double

  /// A line about one picture.
  public init(file: String, classification: Classification, milliseconds: Double) {
    self.file = file
    self.classification = classification
    self.milliseconds = milliseconds
  }

  /// For people: `boot.jpg: Ankle boot 97.3 %, Sneaker 2.1 % (network 0.41 ms)`; file and labels as
  /// ``terminalText(_:limit:)``.
  public func text(top count: Int) -> String {
    "\(terminalText(file)): \(classification.text(top: count)) (network \(fixed(milliseconds, 2)) ms)"
  }

  /// One JSON object.
  ///
  /// `{"file":…,"top":[{"index":…,"label":…,"probability":…}],"milliseconds":…,"logits":[…]}`, the
  /// logits only if asked for.
  public func json(top count: Int, logits: Bool) -> String {
    "{\"file\":\(jsonText(file)),\(classification.json(top: count)),"
      + "\"milliseconds\":\(fixed(milliseconds, 4))"
      + (logits ? ",\(classification.logitsJSON)" : "") + "}"
  }
}

extension Classification {
  /// `Ankle boot 97.3 %, Sneaker 2.1 %`; labels as ``terminalText(_:limit:)``.
  public func text(top count: Int) -> String {
    top(count).map { "\(terminalText($0.label)) \(fixed(Double($0.probability) * 100, 1)) %" }
      .joined(separator: ", ")
  }

  /// `"top":[{"index":…,"label":…,"probability":…}]`, a member of a JSON object.
  public func json(top count: Int) -> String {
    let classes = top(count).map { candidate in
      "{\"index\":\(candidate.index),\"label\":\(jsonText(candidate.label)),"
        + "\"probability\":\(shortest(candidate.probability))}"
    }
    return "\"top\":[\(classes.joined(separator: ","))]"
  }

  /// `"logits":[…]`, a member of a JSON object.
  public var logitsJSON: String {
    "\"logits\":[\(logits.map { shortest($0) }.joined(separator: ","))]"
  }
}

/// A number with so many digits after the point.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  formatted { lvt_format_fixed($0, $1, value, Int32(decimals)) }
}

/// The shortest digits that read back as the same float.
func shortest(_ value: Float) -> String { formatted { lvt_format_shortest($0, $1, value) } }

private func formatted(_ write: (UnsafeMutablePointer<CChar>?, Int) -> Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 400)
  let length = Int(buffer.withUnsafeMutableBufferPointer { write($0.baseAddress, $0.count) })
  return String(
    decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Text in quotes with the escapes that JSON asks for.
public func jsonText(_ text: String) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var bytes: [UInt8] = [0x22]
  for byte in text.utf8 {
    switch byte {
    case 0x22, 0x5C: bytes += [0x5C, byte]
    case 0..<0x20, 0x7F:
      bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    default: bytes.append(byte)
    }
  }
  bytes.append(0x22)
  return String(decoding: bytes, as: UTF8.self)
}
