// SPDX-License-Identifier: Apache-2.0

/// Whether runs are on all of an engine's threads or on the calling one alone, whichever was faster lately.
///
/// Which it is depends on more than the network: beside a busy program a thread waits for one that shares
/// its processor, and what a wake-up costs differs from machine to machine tenfold. So the other way is tried now and
/// then, the less often the more it costs, and at once where runs become slower or faster than they were. No
/// result depends on the choice.
struct ThreadChoice {
  /// Whether runs are on all threads.
  private(set) var isTogether: Bool
  /// The average of the last runs, and what it was when the choice was made.
  private var nanoseconds = 0.0, nanosecondsAtChoice = 0.0
  /// Runs until the next trial, and until one that a change may ask for.
  private var runsLeft = firstRuns, runsUntilChange = firstRuns
  /// Of a trial of the other way, how many runs are left, nil outside one; of how many; and their time.
  private var trialRunsLeft: Int?
  private var trialRuns = 0
  private var trialNanoseconds = 0.0

  private static let firstRuns = 4
  /// Runs of an average.
  private static let averagedRuns = 16.0
  /// An average that changes by this factor does so because something else changed.
  private static let change = 1.3
  /// A trial lasts for several of the kernel's time slices, but has so many runs.
  private static let trialTime = 40_000_000.0, trialRange = 2.0...32.0
  /// What trials may cost: this part of all time.
  private static let trialCost = 0.02
  /// The other way must be better by this factor.
  private static let leastGain = 0.95

  /// A network of fewer multiplications starts on one thread: its steps take some microseconds.
  private static let fewMultiplications = 30_000_000

  /// The choice for a network of so many multiplications.
  init(multiplications: Int) { isTogether = multiplications >= Self.fewMultiplications }

  /// Whether the next run is on all threads.
  var nextIsTogether: Bool { isTogether != (trialRunsLeft != nil) }

  /// Takes the time of the run that ``nextIsTogether`` told of.
  mutating func record(nanoseconds time: UInt64) {
    let time = Double(time)
    if let left = trialRunsLeft {
      // The first run does not count: threads are asleep and caches cold.
      if left <= trialRuns { trialNanoseconds += time }
      trialRunsLeft = left - 1
      if left == 1 { endTrial() }
      return
    }
    nanoseconds += (time - nanoseconds) / (nanoseconds == 0 ? 1 : Self.averagedRuns)
    runsLeft -= 1
    runsUntilChange -= 1
    let hasChanged =
      nanoseconds > nanosecondsAtChoice * Self.change
      || nanosecondsAtChoice > nanoseconds * Self.change
    if runsLeft <= 0 || (runsUntilChange <= 0 && hasChanged) {
      let (fewest, most) = (Self.trialRange.lowerBound, Self.trialRange.upperBound)
      trialRuns = Int(max(fewest, min(most, Self.trialTime / max(1, nanoseconds))))
      trialRunsLeft = trialRuns + 1
      trialNanoseconds = 0
    }
  }

  private mutating func endTrial() {
    let average = trialNanoseconds / Double(trialRuns)
    let ratio = average / max(1, nanoseconds)
    if ratio < Self.leastGain {
      isTogether.toggle()
      nanoseconds = average
    }
    let loss = Double(trialRuns) * max(0, ratio - 1)
    runsLeft = Int(max(64, min(16384, loss / Self.trialCost)))
    runsUntilChange = Int(Self.averagedRuns)
    nanosecondsAtChoice = nanoseconds
    trialRunsLeft = nil
  }
}
