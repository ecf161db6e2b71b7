// SPDX-License-Identifier: Apache-2.0

/// The name of a class, or its index where the plan has no labels.
public func className(_ index: Int, _ labels: [String]) -> String {
  labels.indices.contains(index) ? labels[index] : "\(index)"
}
