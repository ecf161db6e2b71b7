// SPDX-License-Identifier: Apache-2.0

/// What values are that their form does not tell.
enum Meaning: Sendable {
  /// A map, a picture or anything that only says itself.
  case values
  /// Regions in the input, as ``Proposals`` makes them: 1 × N positions of five values.
  case regions
  /// What a ``BoxHead`` says of regions.
  case readings
  /// Boxes of objects, as ``Detect`` makes them: 1 × N positions of six values.
  case objects
  /// Which pixels of boxes belong to their objects, as ``Masks`` makes them.
  case masks

  /// The meaning in words.
  var name: String {
    switch self {
    case .values: "a map"
    case .regions: "regions"
    case .readings: "what a box head says"
    case .objects: "boxes"
    case .masks: "masks"
    }
  }
}
