// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

/// The two programs as a user starts them, mostly wrongly.
@Suite struct CommandLineTests {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: [String]
  }

  /// The programs lie beside the test bundle.
  static let products = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().path

  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "lvt-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  func run(
    _ program: String, _ arguments: [String], input: [UInt8]? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: program.hasPrefix("/") ? program : Self.products + "/" + program)
    process.arguments = arguments
    let output = Pipe(), errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    let standardInput = Pipe()
    if input != nil {
      // The program may end before it has read all of it.
      signal(SIGPIPE, SIG_IGN)
      process.standardInput = standardInput
    }
    try process.run()
    if let input {
      Thread.detachNewThread {
        try? standardInput.fileHandleForWriting.write(contentsOf: input)
        try? standardInput.fileHandleForWriting.close()
      }
    }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let errorText = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    return Outcome(
      code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: errorText, as: UTF8.self).split(separator: "\n").map(String.init))
  }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = folder + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  var plan: String { fixtures + "/plan/tiny.lvt" }
  var demo: String { repository + "/tools/demo" }
  var picture: String {
    demo + "/pictures/"
      + ((try? FileManager.default.contentsOfDirectory(atPath: demo + "/pictures").sorted().first)
        ?? "")
  }

  // MARK: lvt-infer

  @Test func benchmarkWritesABoardReport() throws {
    let path = folder + "/report.json"
    let outcome = try run("lvt-infer", [plan, "--bench", "5", "--board-report", path])
    #expect(outcome.code == 0 && outcome.output.hasPrefix("median "))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
        as? [String: Any])
    for (key, member) in [
      ("machine", "cpu"), ("plan", "sha256"), ("kernels", "gemm_s8"), ("times", "median_ms"),
      ("before", "celsius"), ("after", "throttled"),
    ] {
      #expect((report[key] as? [String: Any])?[member] != nil, "\(key).\(member)")
    }
    #expect((report["steps"] as? [Any])?.count == 11)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["report.json"])

    let missing = folder + "/none/report.json"
    let unwritten = try run("lvt-infer", [plan, "--bench", "1", "--board-report", missing])
    #expect(unwritten.code == 1 && unwritten.errors.last?.contains(missing) == true)
    #expect(try run("lvt-infer", [plan, picture, "--board-report", path]).code == 64)
  }

  @Test func pictureBecomesALine() throws {
    let text = try run("lvt-infer", [plan, picture])
    #expect(text.code == 0 && text.errors.isEmpty)
    #expect(text.output.hasPrefix(picture + ": "))
    let json = try run("lvt-infer", [plan, picture, "--json", "--logits", "--top", "2"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(object["file"] as? String == picture)
    #expect((object["top"] as? [Any])?.count == 2)
    #expect((object["logits"] as? [Double])?.count == 5)
    #expect(object["milliseconds"] is Double)
  }

  @Test func folderWithRubbishIsReadAsFarAsItCanBe() throws {
    try FileManager.default.copyItem(atPath: picture, toPath: folder + "/b10.jpg")
    try FileManager.default.copyItem(atPath: picture, toPath: folder + "/b2.JPG")
    _ = try file("broken.jpg", Array("no picture".utf8))
    _ = try file("empty.jpeg", [])
    _ = try file("notes.txt", Array("left alone".utf8))
    _ = try file("a.webp", Array("RIFF....WEBPVP8 ".utf8))
    let outcome = try run("lvt-infer", [plan, folder])
    #expect(outcome.code == 1)
    let names = outcome.output.split(separator: "\n").map { line in
      line.split(separator: ":").first.map { $0.split(separator: "/").last ?? "" } ?? ""
    }
    #expect(names == ["b2.JPG", "b10.jpg"])
    #expect(
      outcome.errors == [
        "lvt-infer: \(folder): passed over 2 files: 1 .txt, 1 .webp",
        "lvt-infer: \(folder)/broken.jpg: text, expected a JPEG, PPM or PGM",
        "lvt-infer: \(folder)/empty.jpeg: an empty file, not a picture",
      ])
    // By its contents, whatever it is called.
    let other = try run("lvt-infer", [plan, folder + "/a.webp", fixtures + "/image/rgb8.png"])
    #expect(
      other.errors == [
        "lvt-infer: \(folder)/a.webp: a WebP picture, expected a JPEG, PPM or PGM; convert it, to JPEG say",
        "lvt-infer: \(fixtures)/image/rgb8.png: a PNG, expected a JPEG, PPM or PGM; convert it, to JPEG say",
      ])
  }

  @Test func plannerReadsPNGsAndClassFoldersWithoutLabels() throws {
    let files = FileManager.default
    for (index, name) in ["cat", "dog", "owl"].enumerated() {
      try files.createDirectory(
        atPath: "\(folder)/set/\(name)", withIntermediateDirectories: true)
      try files.copyItem(
        atPath: "\(fixtures)/image/\(["rgb8", "rgba16", "exif-6"][index]).png",
        toPath: "\(folder)/set/\(name)/x.png")
    }
    _ = try file("set/cat/notes.txt", [])
    let model = repository + "/tools/demo/model.safetensors"
    let outcome = try run(
      "lvt-plan",
      [
        model, "--calibrate", folder + "/set", "--evaluate", folder + "/set", "--input", "64",
        "--residual", "int8", "-o", folder + "/x.lvt",
      ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("calibration.pictures: 3\n"))
    #expect(outcome.output.contains("evaluation.pictures: 3\n"))
    let said = "lvt-plan: \(folder)/set: passed over 1 file: 1 .txt"
    #expect(outcome.errors.count { $0 == said } == 2)
    for command in [["predict", model, "--input", "64"], ["compare", model, folder + "/x.lvt"]] {
      let outcome = try run("lvt-plan", command + [folder + "/set/dog/x.png"])
      #expect(outcome.code == 0, "\(command): \(outcome.errors)")
    }
  }

  @Test func benchmarkReportsItsFigures() throws {
    let outcome = try run("lvt-infer", [plan, "--bench", "20", "--json", "--threads", "2"])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    for key in ["median_ms", "p10_ms", "p90_ms"] { #expect((object[key] as? Double ?? 0) > 0) }
    #expect(object["threads"] as? Int == 2)
    #expect(object["isa"] is String)
  }

  @Test(arguments: ["--profile", "--verify"])
  func planReportsOnItself(mode: String) throws {
    let outcome = try run("lvt-infer", [plan, mode])
    #expect(outcome.code == 0 && outcome.errors.isEmpty && !outcome.output.isEmpty)
  }

  @Test(arguments: [
    [], ["--wrong"], ["plan.lvt"], ["plan.lvt", "--bench", "a.jpg"], ["p", "a.jpg", "--top", "0"],
    ["p", "-", "a.jpg"], ["p", "--camera"], ["p", "--camera", "/dev/video0", "-"],
    ["p", "a.jpg", "--size", "8x8"], ["p", "-", "--size", "8x8"], ["p", "-", "--raw", "nv12"],
    ["p", "a.jpg", "--raw", "nv12", "--size", "8x8"],
    ["p", "-", "--raw", "mjpeg", "--size", "8x8"],
    ["p", "-", "--raw", "h264", "--size", "8x8"], ["p", "-", "--raw"],
    ["p", "-", "--raw", "yu12", "--yuv420", "8x8"],
    ["p", "-", "--size", "8x8", "--yuv420", "8x8"],
    ["p", "-", "--stride", "64"], ["p", "a.jpg", "--stride", "64"],
    ["p", "-", "--yuv420", "80x60", "--stride", "79"],
    ["p", "-", "--yuv420", "8x8", "--stride", "0"],
    ["p", "-", "--raw", "yuyv", "--size", "80x60", "--stride", "159"],
    ["p", "--camera", "/dev/video0", "--stride", "640"], ["p", "a.jpg", "--color", "bt709"],
    ["p", "-", "--color", "bt2020"], ["p", "-", "--color", "full,full"], ["p", "-", "--color"],
    ["p", "-", "--raw", "rgb24", "--size", "8x8", "--color", "full"],
    ["p", "a.jpg", "--orientation", "left"], ["p", "a.jpg", "--orientation"],
    ["p", "-", "--yuv420", "8x8", "--orientation", "exif"],
    ["p", "--verify", "--orientation", "exif"], ["p", "-", "--yuv420", "8"],
    ["p", "-", "--yuv420", "0x8"],
    ["p", "-", "--yuv420", "99999999999999999999x8"], ["p", "a.jpg", "--frames", "2"],
    ["p", "--camera", "/dev/video0", "--format", "h264"], ["p", "a.jpg", "--threads"],
    ["p", "a.jpg", "--threads", "65"], ["p", "a.jpg", "--cpu", "vax"],
    ["p", "a.jpg", "--affinity"], ["p", "a.jpg", "--affinity", ""],
    ["p", "a.jpg", "--affinity", "3-1"], ["p", "a.jpg", "--affinity", "0,"],
    ["p", "a.jpg", "--affinity", "1024"], ["p", "a.jpg", "--affinity", "0-99999999999999999999"],
    ["p", "a.jpg", "--nice", "20"], ["p", "a.jpg", "--nice", "-21"], ["p", "a.jpg", "--nice"],
    ["p", "a.jpg", "--max-fps", "5"], ["p", "-", "--max-fps", "0"], ["p", "-", "--max-fps", "x"],
  ])
  func wrongUsageIs64(arguments: [String]) throws {
    let outcome = try run("lvt-infer", arguments)
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty && outcome.errors.count == 2)
  }

  @Test func missingPlanIsOneLine() throws {
    let outcome = try run("lvt-infer", [folder + "/none.lvt", picture])
    #expect(outcome.code == 1 && outcome.errors.count == 1)
    #expect(outcome.errors.first?.contains("none.lvt: cannot be read: No such file") == true)
  }

  @Test func missingISAIsOneLine() throws {
    // No CPU has both.
    let codes = try ["avx2", "neon"].map {
      try run("lvt-infer", [plan, "--bench", "1", "--cpu", $0])
    }
    let refused = codes.filter { $0.code == 1 }
    #expect(refused.count >= 1)
    #expect(refused.allSatisfy { $0.errors.count == 1 })
  }

  @Test(arguments: ["auto", "none"])
  func threadsArePlacedAsAsked(affinity: String) throws {
    let outcome = try run("lvt-infer", [plan, "--verify", "--affinity", affinity])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
  }

  @Test func namedProcessorsHaveAThreadEach() throws {
    let allowed = ProcessorSet.allowed
    let named = ProcessorSet(Array(allowed.numbers.suffix(2)))
    let outcome = try run("lvt-infer", [plan, "--verify", "--affinity", named.description])
    #expect(outcome.code == 0)
    #expect(outcome.output.contains(" \(named.numbers.count) threads"))
    let tooMany = try run(
      "lvt-infer", [plan, "--verify", "--affinity", named.description, "--threads", "3"])
    #expect(tooMany.code == 1)
    #expect(
      tooMany.errors == [
        "lvt-infer: 3 threads want a processor each, found \(named.numbers.count): \(named)"
      ])
    let missing = try run("lvt-infer", [plan, "--verify", "--affinity", "1023"])
    #expect(missing.code == 1)
    #expect(
      missing.errors == [
        "lvt-infer: cannot run on processors 1023; this process may use \(allowed)"
      ])
  }

  @Test func nicenessIsThatOfTheProgram() throws {
    #expect(try run("lvt-infer", [plan, "--verify", "--nice", "19"]).code == 0)
    guard getuid() != 0 else { return }
    let refused = try run("lvt-infer", [plan, "--verify", "--nice", "-20"])
    #expect(refused.code == 1)
    #expect(refused.errors == ["lvt-infer: cannot set the niceness to -20: Permission denied"])
  }

  func object(_ line: Substring) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test func pipedFramesBecomeLinesWithTheLabelsOfTheirFiles() throws {
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: picture)))
    let stream = jpeg + jpeg.prefix(jpeg.count / 2) + jpeg + Array("garbage".utf8)
    let expected = try object(run("lvt-infer", [plan, picture, "--json", "--logits"]).output[...])
    let outcome = try run("lvt-infer", [plan, "-", "--all-frames", "--logits"], input: stream)
    #expect(outcome.code == 0)
    #expect(outcome.errors == ["lvt-infer: 2 frames, 0 dropped, 1 damaged"])
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      let frame = try object(line)
      #expect(frame["logits"] as? [Double] == expected["logits"] as? [Double])
      for key in ["time", "capture_ms", "preprocess_ms", "inference_ms"] {
        #expect(frame[key] is Double, "\(key)")
      }
    }
  }

  @Test func savedFrameHasTheLabelOfItsFrame() throws {
    let raw = (0..<64 * 48 * 3 / 2).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }
    let saved = folder + "/frame.ppm"
    let live = try run(
      "lvt-infer", [plan, "--yuv420", "64x48", "-", "--save-frame", saved, "--logits"], input: raw)
    #expect(live.code == 0)
    let still = try run("lvt-infer", [plan, saved, "--json", "--logits"])
    #expect(
      try object(live.output[...])["logits"] as? [Double]
        == object(still.output[...])["logits"] as? [Double])
  }

  @Test func pipeWithoutAFrameFails() throws {
    for input in [[], Array("garbage".utf8), [0xFF, 0xD8, 0xFF, 0xE0]] as [[UInt8]] {
      let outcome = try run("lvt-infer", [plan, "-"], input: input)
      #expect(outcome.code == 1 && outcome.output.isEmpty && outcome.errors.count == 1)
    }
  }

  @Test func noCameraIsOneLine() throws {
    for (path, part) in [("/dev/null", "not a camera"), ("/dev/video999", "no such camera")] {
      let outcome = try run("lvt-infer", [plan, "--camera", path])
      #expect(outcome.code == 1 && outcome.errors.count == 1)
      #expect(outcome.errors.first?.contains("\(path): ") == true)
      #expect(outcome.errors.first?.contains(part) == true)
    }
  }

  // MARK: lvt-plan

  private func compile(_ arguments: [String]) throws -> Outcome {
    try run(
      "lvt-plan",
      arguments + ["--input", "64", "-o", folder + "/out.lvt"]
        + (arguments.contains("--calibrate") ? [] : ["--calibrate", demo + "/calibration"]))
  }

  private func expectRefusal(_ outcome: Outcome, _ part: String) {
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.last?.contains(part) == true, "\(outcome.errors)")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    #expect(!files.contains { $0.contains("out.lvt") }, "\(files)")
  }

  @Test func checkpointBecomesAPlan() throws {
    let outcome = try compile([
      demo + "/model.safetensors", "--pictures", "4", "--labels", demo + "/labels.txt",
    ])
    #expect(outcome.code == 0)
    for part in ["patchEmbed", "dwconv_s8", "arena", "optimal", "calibration.sqnr", "Ankle boot"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    let inspect = try run("lvt-plan", ["inspect", folder + "/out.lvt"])
    #expect(inspect.code == 0 && inspect.output.contains("sha256: "))
    let verify = try run("lvt-infer", [folder + "/out.lvt", "--verify", "--threads", "3"])
    #expect(verify.code == 0 && verify.output.hasPrefix("verified: "))
  }

  @Test func checkpointIsPlannedForABoard() throws {
    let outcome = try compile([
      demo + "/model.safetensors", "--pictures", "1", "--residual", "int8", "--board",
      repository + "/boards/raspberry-pi-zero-2w/board.json",
    ])
    #expect(outcome.code == 0)
    for part in ["board     Raspberry Pi Zero 2 W", "not measured", "a picture on 1 … 4 threads"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    // The plan asks for four threads; a machine gives it as many fast cores as it has.
    let threads = min(4, ProcessorTopology().fastestCores)
    let verify = try run("lvt-infer", [folder + "/out.lvt", "--verify"])
    #expect(verify.code == 0 && verify.output.contains("\(threads) threads"))
    let one = try run("lvt-infer", [folder + "/out.lvt", "--verify", "--threads", "1"])
    #expect(one.code == 0 && one.output.contains("1 threads"))
  }

  @Test func aPlanIsPredictedForAnyBoard() throws {
    let board = repository + "/boards/raspberry-pi-5/board.json"
    let outcome = try run("lvt-plan", ["inspect", plan, "--board", board])
    #expect(outcome.code == 0 && outcome.output.contains("board     Raspberry Pi 5"))
  }

  @Test func unknownBoardIsRefused() throws {
    expectRefusal(
      try compile([demo + "/model.safetensors", "--board", "nonsuch"]), "no board 'nonsuch'")
  }

  @Test func boardWithoutTheMemoryIsRefused() throws {
    let source = repository + "/boards/generic-aarch64/board.json"
    let text = try String(contentsOfFile: source, encoding: .utf8)
      .replacing("\"megabytes\": 512", with: "\"megabytes\": 140")
    let board = try file("board.json", Array(text.utf8))
    expectRefusal(
      try compile([
        demo + "/model.safetensors", "--pictures", "1", "--residual", "int8", "--board", board,
      ]), "bytes for programs")
  }

  @Test func missingCheckpointIsRefused() throws {
    expectRefusal(try compile([folder + "/none.pth"]), "none.pth")
  }

  @Test func otherFileIsNoCheckpoint() throws {
    expectRefusal(try compile([try file("a.pth", Array("hello, world".utf8))]), "a.pth")
    expectRefusal(try compile([try file("b.pth", [])]), "b.pth")
  }

  @Test func emptyCalibrationFolderIsRefused() throws {
    let empty = folder + "/empty"
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    expectRefusal(try compile([demo + "/model.safetensors", "--calibrate", empty]), "empty")
  }

  @Test func wrongInputSizeIsRefused() throws {
    let outcome = try run(
      "lvt-plan",
      [
        demo + "/model.safetensors", "--calibrate", demo + "/calibration", "--input", "50", "-o",
        folder + "/out.lvt",
      ])
    expectRefusal(outcome, "multiples of 32")
  }

  @Test func wrongLabelCountIsRefused() throws {
    let labels = try file("labels.txt", Array("one\ntwo\n".utf8))
    expectRefusal(
      try compile([demo + "/model.safetensors", "--labels", labels, "--pictures", "1"]),
      "expected 10 labels")
  }

  @Test func overlongLabelIsRefused() throws {
    let labels = try file("labels.txt", Array(("one\n" + String(repeating: "x", count: 201)).utf8))
    expectRefusal(
      try compile([demo + "/model.safetensors", "--labels", labels, "--pictures", "1"]),
      "expected a label of at most 200 bytes in line 2")
  }

  @Test func outputThatCannotBeWrittenIsReported() throws {
    let outcome = try run(
      "lvt-plan",
      [
        demo + "/model.safetensors", "--calibrate", demo + "/calibration", "--input", "64",
        "--pictures", "1", "-o", folder + "/missing/out.lvt",
      ])
    #expect(outcome.code == 1)
    #expect(outcome.errors.last?.contains("out.lvt: cannot be written") == true)
  }

  @Test func wideInputIsPlanned() throws {
    let outcome = try run(
      "lvt-plan",
      [
        demo + "/model.safetensors", "--calibrate", demo + "/calibration", "--input", "96x64",
        "--pictures", "2", "-o", folder + "/out.lvt",
      ])
    #expect(outcome.code == 0 && outcome.output.contains("96×64 RGB"))
    #expect(try run("lvt-infer", [folder + "/out.lvt", picture]).code == 0)
  }

  @Test func fitIsPartOfThePlan() throws {
    for (options, words) in [
      (["--fit", "letterbox"], "bilinear, whole picture padded with #7c7468"),
      (["--fit", "letterbox", "--mean", "0,0.5,1"], "whole picture padded with #0080ff"),
      (["--crop", "0.875"], "bilinear, centre 0.875 of the shorter edge"),
    ] {
      let outcome = try compile([demo + "/model.safetensors", "--pictures", "1"] + options)
      #expect(outcome.code == 0 && outcome.output.contains(words), "\(outcome.output)")
      #expect(try run("lvt-infer", [folder + "/out.lvt", picture]).code == 0)
    }
    let both = ["m.pth", "--calibrate", "c", "--fit", "letterbox", "--crop", "0.9"]
    #expect(try run("lvt-plan", both).code == 64)
  }

  @Test func wrongPlanUsageIs64() throws {
    for size in ["", "0", "64x", "64x0", "64x64x64", "9999999999999999999", "a"] {
      #expect(try run("lvt-plan", ["m.pth", "--calibrate", "c", "--input", size]).code == 64)
    }
    #expect(try run("lvt-plan", ["model.pth"]).code == 64)
    #expect(try run("lvt-plan", ["--nonsense"]).code == 64)
    #expect(try run("lvt-plan", ["predict", "model.pth"]).code == 64)
  }

  @Test func floatNetworkPredicts() throws {
    let outcome = try run(
      "lvt-plan",
      [
        "predict", demo + "/model.safetensors", picture, "--input", "64", "--labels",
        demo + "/labels.txt", "--json", "--logits",
      ])
    #expect(outcome.code == 0)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect((object["logits"] as? [Double])?.count == 10)
  }

  /// Normalised values as two kinds of files have them, so that they give the same logits.
  @Test func floatNetworkPredictsFromTensors() throws {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
      bytes(UInt64(header.utf8.count)) + Array(header.utf8) + data
    }
    let data = (0..<2 * 3 * 64 * 64).flatMap { i in bytes((Float(i % 101) / 50 - 1).bitPattern) }
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 64, 64)}\n"
    let start: [UInt8] = [0x93] + Array("NUMPY\u{1}\u{0}".utf8) + bytes(UInt16(text.utf8.count))
    let array = try file("x.npy", start + Array(text.utf8) + data)
    let entry = #""x":{"dtype":"F32","shape":[2,3,64,64],"data_offsets":[0,\#(data.count)]}"#
    let one = try file("one.safetensors", safetensors("{\(entry)}", data))
    let other =
      #""y":{"dtype":"I8","shape":[1],"data_offsets":[\#(data.count),\#(data.count + 1)]}"#
    let two = try file("two.safetensors", safetensors("{\(entry),\(other)}", data + [0]))

    func predict(_ arguments: String...) throws -> Outcome {
      try run(
        "lvt-plan",
        ["predict", demo + "/model.safetensors", "--input", "64", "--json", "--logits"]
          + arguments)
    }
    func logits(_ outcome: Outcome) throws -> [[Double]] {
      try outcome.output.split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(object?["logits"] as? [Double])
      }
    }
    let expected = try logits(predict("--tensor", array))
    #expect(expected.map { $0.count } == [10, 10] && expected[0] != expected[1])
    #expect(try logits(predict("--tensor", one)) == expected)
    #expect(try logits(predict("--tensor", one, "--tensor-name", "x")) == expected)
    #expect(try logits(predict("--tensor", two, "--tensor-name", "x")) == expected)

    let several = try predict("--tensor", two)
    #expect(several.code == 1)
    #expect(
      several.errors.last
        == "lvt-plan: \(two): expected one tensor, or --tensor-name, found 'x', 'y'")
    #expect(try predict("--tensor", two, "--tensor-name", "y").errors.last?.contains("[1]") == true)
    #expect(try predict("--tensor-name", "x", picture).code == 64)
  }
}
