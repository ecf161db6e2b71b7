// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTCapture

/// How often a classifier is right about pictures whose classes are known.
struct Evaluation {
  /// How many pictures there were of a class, and what became of them.
  private struct Count {
    var pictures = 0, first = 0, firstFive = 0
  }

  private let classifier: Classifier
  private let decoder: PictureDecoder
  private let arguments: Arguments

  init(_ classifier: Classifier, _ decoder: PictureDecoder, _ arguments: Arguments) {
    self.classifier = classifier
    self.decoder = decoder
    self.arguments = arguments
  }

  /// Whether every picture of the folder could be read.
  func run(_ folder: String) -> Bool {
    let plan = classifier.engine.plan
    let pictures: ClassFolders
    do throws(CaptureError) {
      pictures = try ClassFolders(path: folder, kinds: decoder.kinds, labels: plan.labels)
    } catch {
      Console.report("\(folder): \(error.description)")
      return false
    }
    if let others = pictures.passedOver { Console.report("\(folder): passed over \(others)") }
    // Of one output the class is whether it is there.
    let isYesOrNo = plan.classCount == 1
    let classCount = isYesOrNo ? 2 : plan.classCount
    var counts = [Count](repeating: Count(), count: classCount)
    var unread = 0
    for (path, known) in zip(pictures.paths, pictures.classes) {
      guard counts.indices.contains(known) else {
        Console.report("\(path): of class \(known), expected one below \(classCount)")
        return false
      }
      do throws(CaptureError) {
        let image = try decoder.read(path: path)
        let found: Classification
        do throws(ImageError) {
          found = try image.withView { view throws(ImageError) in try classifier.classify(view) }
        } catch { throw .image(error) }
        let rank =
          isYesOrNo ? ((found.logits[0] > 0) == (known == 1) ? 0 : 1) : found.rank(of: known)
        counts[known].pictures += 1
        if rank < 1 { counts[known].first += 1 }
        if rank < 5 { counts[known].firstFive += 1 }
      } catch {
        Console.report("\(path): \(error.description)")
        unread += 1
      }
    }
    report(
      counts,
      isYesOrNo ? ["not \(className(0, plan.labels))", className(0, plan.labels)] : plan.labels)
    return unread == 0
  }

  private func report(_ counts: [Count], _ labels: [String]) {
    let pictures = counts.reduce(0) { $0 + $1.pictures }
    func share(_ part: Int, _ whole: Int) -> Double { Double(part) / Double(max(1, whole)) }
    let first = share(counts.reduce(0) { $0 + $1.first }, pictures)
    let firstFive = share(counts.reduce(0) { $0 + $1.firstFive }, pictures)
    let shown = counts.enumerated().filter { $0.element.pictures > 0 }
    if arguments.json {
      let classes = shown.map { index, count in
        "{\"class\":\(index),\"label\":\(jsonText(className(index, labels))),"
          + "\"pictures\":\(count.pictures),\"right\":\(count.first)}"
      }
      Console.print(
        "{\"pictures\":\(pictures),\"top1\":\(fixed(first, 6)),\"top5\":\(fixed(firstFive, 6)),"
          + "\"classes\":[\(classes.joined(separator: ","))]}")
      return
    }
    Console.print(padded("pictures", 10, left: true) + padded("right", 10, left: true) + "  class")
    for (index, count) in shown {
      Console.print(
        padded("\(count.pictures)", 10, left: true)
          + padded(fixed(100 * share(count.first, count.pictures), 2) + " %", 10, left: true)
          + "  " + terminalText(className(index, labels), limit: 56))
    }
    Console.print(
      "top-1 \(fixed(100 * first, 2)) %, top-5 \(fixed(100 * firstFive, 2)) % of \(pictures) pictures "
        + "(\(classifier.engine.isa.name))")
  }
}
