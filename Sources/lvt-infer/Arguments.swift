// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture

/// What the command line asks for.
struct Arguments {
  enum Mode: Equatable {
    case pictures
    case stream
    case listCameras
    case benchmark(runs: Int)
    case profile
    case evaluate(folder: String)
    case verify
    case cpuInfo
    case help
    case version
  }

  enum AffinityRequest: Equatable {
    case auto
    case anywhere
    case processors(ProcessorSet)
  }

  var mode = Mode.pictures
  var model = ""
  var pictures: [String] = []
  /// Nil: not said.
  var top: Int?
  /// How many classes are shown.
  var shownClasses: Int { top ?? 3 }
  var json = false
  var logits = false
  /// The least score of an object, 0 … 1; nil: not said.
  var threshold: Float?
  /// Classes by names or indices, with commas between.
  var classes: String?
  /// Folders that pictures with what was found, and label maps, are written into.
  var drawings: String?
  var masks: String?
  /// Nil: as many as the topology recommends, or one a processor that is named.
  var threads: Int?
  var affinity = AffinityRequest.auto
  var niceness: Int?
  var isa = ISA.best
  /// Of frames: where they come from, what they are, and what is done beside running the plan on them.
  var camera: String?
  var size: (width: Int, height: Int)?
  var rate = 0
  var encoding: FrameEncoding?
  /// Of raw frames from standard input.
  var rawFormat: PixelFormat?
  var rawSize: (width: Int, height: Int)?
  var stride: Int?
  var colour: ColourRequest?
  var orientation: OrientationPolicy?
  var frames: Int?
  /// How many frames a second are taken at most.
  var highestRate: Int?
  var allFrames = false
  var savedFrame: String?
  /// Of the live page.
  var page = PageArguments()
  /// Where a benchmark's report goes.
  var boardReport: String?
  /// How much work a plan may be.
  var limits = PlanLimits()

  /// The files that are written.
  var outputs: [String] { [savedFrame, boardReport].compactMap { $0 } }

  static let defaultRuns = 100

  static let usage = """
    usage: lvt-infer MODEL PICTURE|FOLDER ...   run on JPEG, PPM and PGM files
           lvt-infer MODEL -                    run on frames from standard input:
                                                JPEGs or Y4M
           lvt-infer MODEL --raw nv12 --size WxH -   the same, raw frames of pixels
           lvt-infer MODEL --yuv420 WxH -       the same, raw I420 frames
           lvt-infer MODEL --camera /dev/video0 run on frames of a camera
           lvt-infer MODEL --camera ... --serve 8080   the same, with a live page
           lvt-infer --list-cameras             cameras and their formats
           lvt-infer MODEL --evaluate FOLDER    how often it is right: a folder of
                                                pictures for each class
           lvt-infer MODEL --bench [RUNS]       time the network
           lvt-infer MODEL --profile            time each step
           lvt-infer MODEL --verify             check the plan's golden hashes here
           lvt-infer --cpu-info                 what this CPU can run

    Of results:
      --top N          of classes of pictures: show the N likeliest (3)
      --threshold S    of objects: show those with scores of at least S, 0 to 1, in
                       JSON too (0.3; what is below the plan's own least score,
                       0.05, is never found)
      --classes LIST   of objects and pixels: show these classes only, by names or
                       indices as in car,Sky,3
      --draw FOLDER    of objects and pixels: write each picture with them as
                       FOLDER/NAME.jpg
      --masks FOLDER   of pixels: write label maps as FOLDER/NAME.pgm, a byte for
                       each pixel
      --json           JSON, an object a line; of features with all values, of
                       pixels with COCO's run lengths of each class
      --logits         of classes of pictures, with --json: the raw output too
      --orientation O  of JPEGs: exif (upright, as their Exif data say) or ignore
                       (exif)

    Of the machine:
      --threads N      threads to use (as the plan asks, else one a core of the
                       fastest kind, at most 4; and one alone while that is faster)
      --affinity A     where they run: auto (the fastest cores), none (anywhere) or
                       processors as in 4-7 or 0,2, one thread on each
      --cpu ISA        scalar, avx2, avxvnni, avx512vnni, neon, neondot
                       or neoni8mm (the fastest there is)
      --nice N         niceness, 19 (gives way to all others) to -20
      --max-work N     run plans of up to N thousand million multiplications (100)
      --board-report F with --bench, write what was measured on which machine

    Of frames:
      --frames N       stop after N frames
      --max-fps N      take at most N frames a second and sleep in between
      --all-frames     every frame of a pipe, not only the newest
      --save-frame F   write the first frame as PPM
      --size WxH       of raw frames; what the camera is asked for (640x480)
      --fps N          pictures a second to ask a camera for
      --format NAME    of a camera: yuyv, uyvy, nv12, nv21, yu12, rgb24, bgr24,
                       rgba, bgra, grey, mjpeg or auto (the cheapest)
      --raw NAME       of raw frames: one of these but mjpeg and auto
      --stride BYTES   of raw frames: from row to row of luma or packed pixels (no
                       padding)
      --color LIST     of luma and chroma: bt601 or bt709, limited or full, as in
                       bt709,full (what the camera or the Y4M header says; else
                       limited, and bt709 from 1280 columns or 720 rows on)

    Of the live page:
      --serve PORT     the live picture and the results at http://127.0.0.1:PORT,
                       with /stream.mjpg, /snapshot.jpg, /events and /metrics
      --listen ADDRESS an address of this machine that others can reach, or 0.0.0.0
                       or :: for all; pages then ask for a token, which is printed
      --token-file F   the token is the first line of F
      --no-token       everybody who can connect may see
      --host NAME      a name of this machine in pages' addresses, beside its own
                       and its numeric addresses; may be repeated

      --version        print the version
      --help           print this

    A file to write that is named - is standard output; results then go to standard
    error. Milliseconds are the network's; frames have those of their age and of
    making the input (decoding, resizing) too.
    Exit codes: 0 done, 1 something failed, 64 wrong usage.

    """

  init() throws(UsageError) {
    var values: [String] = []
    for i in 1..<max(1, lvt_argument_count()) {
      if let text = lvt_argument(i) { values.append(pathText(text)) }
    }
    try self.init(values)
  }

  init(_ values: [String]) throws(UsageError) {
    var rest = values[...]
    var plain: [String] = []
    var optionsEnded = false
    while let value = rest.popFirst() {
      if optionsEnded || !value.utf8.starts(with: "-".utf8) || value == "-" {
        plain.append(value)
        continue
      }
      switch value {
      case "--": optionsEnded = true
      case "--json": json = true
      case "--logits": logits = true
      case "--profile": mode = .profile
      case "--verify": mode = .verify
      case "--evaluate":
        mode = .evaluate(folder: try Self.text(value, rest.popFirst(), "a folder"))
      case "--cpu-info": mode = .cpuInfo
      case "--list-cameras": mode = .listCameras
      case "--camera": camera = try Self.text(value, rest.popFirst(), "a device")
      case "--size": size = try Self.size(value, rest.popFirst())
      case "--yuv420": rawSize = try Self.size(value, rest.popFirst())
      case "--raw": rawFormat = try Self.rawFormat(rest.popFirst())
      case "--stride": stride = try Self.number(value, rest.popFirst(), 1...1_000_000_000)
      case "--color": colour = try Self.colour(rest.popFirst())
      case "--orientation": orientation = try Self.orientation(rest.popFirst())
      case "--fps": rate = try Self.number(value, rest.popFirst(), 1...1000)
      case "--frames": frames = try Self.number(value, rest.popFirst(), 1...1_000_000_000)
      case "--all-frames": allFrames = true
      case "--save-frame": savedFrame = try Self.text(value, rest.popFirst(), "a file")
      case "--serve": page.port = try Self.number(value, rest.popFirst(), 1...65535)
      case "--listen": page.address = try Self.text(value, rest.popFirst(), "an address")
      case "--token-file": page.tokenFile = try Self.text(value, rest.popFirst(), "a file")
      case "--no-token": page.needsNoToken = true
      case "--host": page.names.append(try Self.text(value, rest.popFirst(), "a name"))
      case "--format":
        let name = try Self.text(value, rest.popFirst(), "a name")
        encoding = FrameEncoding(name: name)
        guard encoding != nil || name == "auto" else {
          throw UsageError(
            "--format: expected auto or one of \(FrameEncoding.names.joined(separator: ", ")), "
              + "found '\(name)'")
        }
      case "--help", "-h": mode = .help
      case "--version": mode = .version
      case "--top": top = try Self.number(value, rest.popFirst(), 1...1_000_000)
      case "--threshold": threshold = try Self.share(value, rest.popFirst())
      case "--classes": classes = try Self.text(value, rest.popFirst(), "names or indices")
      case "--draw": drawings = try Self.text(value, rest.popFirst(), "a folder")
      case "--masks": masks = try Self.text(value, rest.popFirst(), "a folder")
      case "--board-report": boardReport = try Self.text(value, rest.popFirst(), "a file")
      case "--threads": threads = try Self.number(value, rest.popFirst(), 1...PlanLimits.threads)
      case "--nice": niceness = try Self.number(value, rest.popFirst(), -20...19)
      case "--max-fps": highestRate = try Self.number(value, rest.popFirst(), 1...1000)
      case "--affinity":
        switch try Self.text(value, rest.popFirst(), "auto, none or processors") {
        case "auto": affinity = .auto
        case "none": affinity = .anywhere
        case let list:
          guard let set = ProcessorSet(list: list) else {
            throw UsageError(
              "--affinity: expected auto, none or processors as in 4-7 or 0,2, found '\(list)'")
          }
          affinity = .processors(set)
        }
      case "--max-work":
        limits.work = try 1_000_000_000 * Self.number(value, rest.popFirst(), 1...1_000_000_000)
      case "--bench":
        var runs = Self.defaultRuns
        if let next = rest.first, Self.isNumber(next) {
          runs = try Self.number(value, rest.popFirst(), 1...1_000_000)
        }
        mode = .benchmark(runs: runs)
      case "--cpu":
        let name = rest.popFirst() ?? ""
        guard let isa = ISA(name: name) else {
          throw UsageError("--cpu: expected one of \(Self.isaNames), found '\(name)'")
        }
        self.isa = isa
      default: throw UsageError(OptionNames(usage: Self.usage).complaint(about: value))
      }
    }
    if json, mode == .help || mode == .version {
      throw UsageError("--json: \(mode == .help ? "--help" : "--version") has no JSON")
    }
    if mode == .cpuInfo || mode == .help || mode == .version || mode == .listCameras { return }
    guard let first = plain.first else { throw UsageError("expected a plan file (model.lvt)") }
    model = first
    pictures = Array(plain.dropFirst())
    try chooseStream()
    if mode == .pictures, pictures.isEmpty {
      throw UsageError("expected pictures or folders after the plan")
    }
    if mode != .pictures, mode != .stream,
      threshold != nil || classes != nil || drawings != nil || masks != nil
    {
      throw UsageError("--threshold, --classes, --draw and --masks are for pictures and frames")
    }
    if top != nil || logits {
      guard mode == .pictures || mode == .stream else {
        throw UsageError("--top and --logits are for pictures and frames")
      }
    }
    if boardReport != nil {
      guard case .benchmark = mode else { throw UsageError("--board-report is for --bench") }
    }
    if mode != .pictures, let extra = pictures.first {
      throw UsageError("this mode takes no pictures, found '\(extra)'")
    }
  }

  /// The first option that says nothing of a plan's results.
  func uselessOption(for task: PlanOutput.Kind) -> String? {
    let isOfClasses = task == .classes, isOfObjects = task == .detections
    let isOfPixels = task == .pixelClasses
    let options = [
      ("--top", top != nil, isOfClasses), ("--logits", logits, isOfClasses),
      ("--threshold", threshold != nil, isOfObjects),
      ("--classes", classes != nil, isOfObjects || isOfPixels),
      ("--draw", drawings != nil, isOfObjects || isOfPixels),
      ("--masks", masks != nil, isOfPixels),
    ]
    for (name, isGiven, isUseful) in options where isGiven && !isUseful { return name }
    return nil
  }

  /// Which results of a plan are wanted.
  func filter(of plan: Plan) throws(UsageError) -> ResultFilter {
    var filter = ResultFilter(leastScore: threshold ?? ResultFilter.shownScore)
    guard let classes else { return filter }
    do throws(UnknownClass) {
      filter.classes = try ResultFilter.classes(
        in: classes, labels: plan.labels, count: plan.classCount)
    } catch { throw UsageError("--classes: \(error.description)") }
    return filter
  }

  /// How many threads the engine has and where they run.
  ///
  /// A plan for a board asks for a number, which a smaller machine cannot give it.
  /// Where neither threads nor processors are named, runs may be on fewer of them.
  func placement(of plan: Plan, on topology: ProcessorTopology) -> (
    threads: Int, isAdaptive: Bool, affinity: Affinity
  ) {
    if case .processors(let set) = affinity {
      return (threads ?? min(64, set.numbers.count), false, .pinned(set))
    }
    let count =
      threads ?? plan.threads.map { min($0, topology.fastestCores) }
      ?? topology.recommendedThreads
    return (
      count, threads == nil,
      affinity == .auto ? topology.recommendedAffinity(threads: count) : .inherited
    )
  }

  private static func text(
    _ option: String, _ text: String?, _ what: String
  ) throws(UsageError) -> String {
    guard let text else { throw UsageError("\(option): expected \(what)") }
    return text
  }

  /// `640x480`; the sides are those that a picture may have.
  private static func size(
    _ option: String, _ text: String?
  ) throws(UsageError) -> (width: Int, height: Int) {
    let parts = (text ?? "").utf8.split(
      separator: UInt8(ascii: "x"), omittingEmptySubsequences: false
    )
    .map { Int(String(decoding: $0, as: UTF8.self)) }
    guard parts.count == 2, let width = parts[0], let height = parts[1],
      (1...ImageView.longestSide).contains(width), (1...ImageView.longestSide).contains(height)
    else {
      throw UsageError("\(option): expected a size as in 640x480, found '\(text ?? "nothing")'")
    }
    return (width, height)
  }

  /// Whether a value that may be left out is there.
  private static func isNumber(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// A number from 0 to 1 in decimal digits, of which six may follow the point.
  private static func share(_ option: String, _ text: String?) throws(UsageError) -> Float {
    let parts = (text ?? "").utf8.split(
      separator: UInt8(ascii: "."), omittingEmptySubsequences: false
    )
    .map { String(decoding: $0, as: UTF8.self) }
    let decimals = parts.count > 1 ? parts[1] : "0"
    if parts.count <= 2, let whole = parts.first, isNumber(whole), let ones = Int(whole),
      isNumber(decimals), decimals.utf8.count <= 6, let digits = Int(decimals)
    {
      var unit = 1
      for _ in decimals.utf8 { unit *= 10 }
      if ones == 0 || ones == 1 && digits == 0 {
        return Float(Double(ones * unit + digits) / Double(unit))
      }
    }
    throw UsageError(
      "\(option): expected a number from 0 to 1, as in 0.3, found '\(text ?? "nothing")'")
  }

  private static var isaNames: String { ISA.allCases.map { $0.name }.joined(separator: ", ") }

  private static func number(
    _ option: String, _ text: String?, _ range: ClosedRange<Int>
  ) throws(UsageError) -> Int {
    guard let text, let value = Int(text), range.contains(value) else {
      throw UsageError(
        "\(option): expected a number from \(range.lowerBound) to \(range.upperBound), "
          + "found '\(text ?? "nothing")'")
    }
    return value
  }
}

/// A command line that cannot be carried out.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
