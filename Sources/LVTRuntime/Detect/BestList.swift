// SPDX-License-Identifier: Apache-2.0

/// The best of all elements that were offered, in memory of the caller: as many as there is room for.
///
/// `a < b` says that a is better. Where that orders all elements that are offered, what is kept does not depend
/// on the order in which they come.
package struct BestList<Element: Comparable> {
  private let elements: UnsafeMutablePointer<Element>
  private let room: Int
  /// How many are kept.
  package private(set) var count: Int

  /// A list of the first `count` elements of memory for `room`, which make a heap.
  package init(_ elements: UnsafeMutablePointer<Element>, room: Int, count: Int = 0) {
    self.elements = elements
    self.room = room
    self.count = count
  }

  /// Keeps an element if there is room, or in the place of the worst one if it is better.
  ///
  /// The worst element is first; each is no better than the two below it.
  package mutating func offer(_ element: Element) {
    if count < room {
      elements[count] = element
      count += 1
      rise(count - 1)
    } else if element < elements[0] {
      elements[0] = element
      sink(0, in: count)
    }
  }

  /// The worst of as many elements as there is room for; nil as long as there are fewer.
  package var worstOfFull: Element? { count == room && count > 0 ? elements[0] : nil }

  /// Orders the elements, the best one first; they make no heap afterwards.
  package func sort() {
    for end in Swift.stride(from: count - 1, to: 0, by: -1) {
      swap(0, end)
      sink(0, in: end)
    }
  }

  private func rise(_ start: Int) {
    var place = start
    while place > 0, elements[(place - 1) / 2] < elements[place] {
      swap(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private func sink(_ start: Int, in count: Int) {
    var place = start
    while true {
      var worst = place
      for child in 2 * place + 1..<max(2 * place + 1, min(2 * place + 3, count))
      where elements[worst] < elements[child] {
        worst = child
      }
      if worst == place { return }
      swap(place, worst)
      place = worst
    }
  }

  private func swap(_ a: Int, _ b: Int) {
    let element = elements[a]
    elements[a] = elements[b]
    elements[b] = element
  }
}

/// An anchor of a level; better is what has the greater logit, of equals the one that comes first.
package struct KeptAnchor: Comparable {
  /// The greatest logit of its classes.
  package let logit: Float
  /// Its place among the level's: row, column, anchor.
  package let index: Int32

  /// An anchor.
  package init(logit: Float, index: Int32) {
    self.logit = logit
    self.index = index
  }

  package static func < (a: KeptAnchor, b: KeptAnchor) -> Bool {
    a.logit != b.logit ? a.logit > b.logit : a.index < b.index
  }
}

/// A class of an anchor; better is what has the greater logit, of equals the one that comes first.
package struct Candidate: Comparable {
  /// The class's logit.
  package let logit: Float
  /// The anchor's place among all that are kept.
  package let slot: Int32
  /// The class.
  package let classIndex: Int32

  /// A class of an anchor.
  package init(logit: Float, slot: Int32, classIndex: Int32) {
    self.logit = logit
    self.slot = slot
    self.classIndex = classIndex
  }

  package static func < (a: Candidate, b: Candidate) -> Bool {
    if a.logit != b.logit { return a.logit > b.logit }
    return a.slot != b.slot ? a.slot < b.slot : a.classIndex < b.classIndex
  }
}
