// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// LVT_EMBEDDED=1 builds the runtime and lvt-infer as Embedded Swift: a program without a Swift runtime,
// cross-compiled by tools/build-embedded. LVTPlanner, lvt-plan and the tests need ordinary Swift.
let embedded = Context.environment["LVT_EMBEDDED"] != nil

// LVT_FUZZ=1 makes lvt-fuzz of the fuzzers in the place of their tests, and builds all for libFuzzer and
// UndefinedBehaviorSanitizer: tools/fuzz. No product of it is for anything else.
let fuzzing = Context.environment["LVT_FUZZ"] != nil

// LVT_TESTS=A,B leaves out the test targets that it does not name: those that a sanitizer is not for.
let tests = Context.environment["LVT_TESTS"]?.split(separator: ",").map(String.init)

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
  + (embedded
    ? [
      .enableExperimentalFeature("Embedded"),
      // A section for each function, so that the linker leaves out what nobody calls.
      .unsafeFlags(["-wmo", "-disable-stack-protector", "-Xfrontend", "-function-sections"]),
    ] : [])
  + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])] : [])

let supportSettings: [CSetting] =
  [.headerSearchPath(".")]
  + (fuzzing
    ? [
      .unsafeFlags([
        "-fsanitize=undefined", "-fno-sanitize=function", "-fno-sanitize-recover=undefined",
      ])
    ] : [])

func runtime(
  _ name: String, _ dependencies: [Target.Dependency], libraries: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, swiftSettings: settings,
    linkerSettings: libraries.map { .linkedLibrary($0) })
}

func support(
  _ name: String, _ dependencies: [Target.Dependency] = [], libraries: [String] = ["m"],
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "CSupport/\(name)", exclude: exclude,
    cSettings: supportSettings, linkerSettings: libraries.map { .linkedLibrary($0) })
}

var targets: [Target] = [
  // C. No ISA flags here: kernels name their CPU features in the source (target_region.h).
  support("CLVTKernels"),
  support("CLVTSystem"),
  support("CLVTThreads", ["CLVTSystem"]),
  support("CLVT", libraries: []),
  support("CLVTV4L2"),
  support("CLVTJPEG", ["CLibJPEG"], libraries: ["jpeg"]),
  .systemLibrary(
    name: "CLibJPEG", path: "CSupport/CLibJPEG", pkgConfig: embedded ? nil : "libjpeg",
    providers: [.apt(["libjpeg-dev"])]),

  // The runtime: no Foundation, compiles as Embedded Swift.
  runtime("LVTModel", ["CLVTKernels", "CLVTSystem"]),
  runtime("LVTRuntime", ["LVTModel", "CLVTKernels", "CLVTThreads", "CLVTSystem"]),
  runtime("LVTImage", ["LVTModel", "CLVTKernels", "CLVTSystem"]),
  runtime("LVTCapture", ["LVTImage", "CLVTJPEG", "CLVTV4L2", "CLVTSystem"]),
  runtime("LVT", ["LVTRuntime", "LVTImage"]),
  runtime("LVTDraw", ["LVT"]),
  // The live page: HTTP by libevent.
  support("CLVTPage", libraries: [], exclude: ["page.css", "page.html", "page.js"]),
  .systemLibrary(
    name: "CLibEvent", path: "CSupport/CLibEvent", pkgConfig: embedded ? nil : "libevent_extra",
    providers: [.apt(["libevent-dev"])]),
  runtime(
    "LVTServe", ["LVT", "LVTCapture", "LVTImage", "CLVTPage", "CLVTSystem", "CLibEvent"],
    libraries: ["event_extra", "event_core"]),
  runtime("LVTC", ["LVT", "CLVT"]),
  // Its own argument parser: swift-argument-parser needs Foundation, which a board need not have.
  .executableTarget(
    name: "lvt-infer", dependencies: ["LVT", "LVTCapture", "LVTDraw", "LVTServe", "CLVTSystem"],
    swiftSettings: settings),
  .target(
    name: "LVTKernelCheck", dependencies: ["CLVTKernels", "CLVTSystem", "CLVTGuard", "LVTModel"],
    path: "Tests/LVTKernelCheck", swiftSettings: settings),
  .target(name: "CLVTGuard", path: "Tests/CLVTGuard"),
  .executableTarget(
    name: "lvt-kernelcheck", dependencies: ["LVTKernelCheck", "CLVTSystem"],
    path: "tools/lvt-kernelcheck", swiftSettings: settings),
]

if !embedded {
  let fuzzed: [Target.Dependency] = [
    "LVTPlanner", "LVTCapture", "LVTC", "CLVT", "LVTTestSupport", "CLVTFuzz",
  ]
  targets += [
    // The planner, which runs on a PC.
    .systemLibrary(
      name: "CZlib", path: "CSupport/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    support("CLVTFloat"),
    support("CLVTBoards", libraries: []),
    support("CLVTPNG", ["CLibPNG"], libraries: ["png"]),
    .systemLibrary(
      name: "CLibPNG", path: "CSupport/CLibPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"])]),
    .target(
      name: "LVTPlanner",
      dependencies: [
        "LVT", "LVTCapture", "LVTDraw", "CLVTBoards", "CLVTFloat", "CLVTKernels", "CLVTPNG",
        "CLVTSystem",
        "CZlib",
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "lvt-plan",
      dependencies: [
        "LVTPlanner", "LVTDraw", "CLVTSystem",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["Planner"])),
      ],
      swiftSettings: settings),

    .testTarget(name: "LVTKernelTests", dependencies: ["LVTKernelCheck", "CLVTKernels"]),
    .testTarget(name: "LVTSystemTests", dependencies: ["CLVTSystem", "LVT"]),
    .testTarget(name: "LVTModelTests", dependencies: ["LVTModel", "LVTTestSupport"]),
    .testTarget(
      name: "LVTRuntimeTests",
      dependencies: ["LVT", "LVTTestSupport", "CLVTThreads"]),
    .target(name: "CLVTAllocations", path: "Tests/CLVTAllocations"),
    .executableTarget(
      name: "lvt-allocations",
      dependencies: ["LVT", "LVTC", "CLVT", "LVTCapture", "CLVTAllocations", "CLVTSystem"],
      path: "Tests/lvt-allocations", swiftSettings: settings),
    .testTarget(name: "LVTCTests", dependencies: ["LVTC", "CLVT", "LVT", "LVTTestSupport"]),
    .testTarget(
      name: "LVTImageTests",
      dependencies: ["LVT", "LVTCapture", "LVTDraw", "LVTTestSupport", "CLVTV4L2"]),
    .testTarget(
      name: "LVTServeTests",
      dependencies: ["LVTServe", "LVTCapture", "LVTImage", "LVTTestSupport"]),
    .testTarget(
      name: "LVTPlannerTests", dependencies: ["LVTPlanner", "CLVTFloat", "LVTTestSupport"]),
    .testTarget(
      name: "LVTEndToEndTests",
      dependencies: ["LVTPlanner", "LVTCapture", "LVTTestSupport", "lvt-plan", "lvt-infer"]),
    .target(
      name: "LVTTestSupport", dependencies: ["LVTPlanner"], path: "Tests/LVTTestSupport",
      swiftSettings: settings),
    .target(
      name: "CLVTFuzz", path: "Tests/CLVTFuzz", exclude: fuzzing ? [] : ["libfuzzer.c"]),
    fuzzing
      ? .executableTarget(
        name: "lvt-fuzz", dependencies: fuzzed, path: "Tests/LVTFuzz",
        exclude: ["Dictionaries", "Tests"], linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
      : .testTarget(
        name: "LVTFuzzTests", dependencies: fuzzed, path: "Tests/LVTFuzz",
        exclude: ["Dictionaries", "main.swift"]),
  ]
}

if let tests { targets.removeAll { $0.type == .test && !tests.contains($0.name) } }

let package = Package(
  name: "lvt",
  products: [
    .library(name: "LVT", targets: ["LVT"]),
    // For C, with lvt.h. Without a Swift runtime it can be put into a program whole.
    .library(name: "lvt", type: embedded ? .static : .dynamic, targets: ["LVTC"]),
    .executable(name: "lvt-infer", targets: ["lvt-infer"]),
  ] + (embedded ? [] : [.executable(name: "lvt-plan", targets: ["lvt-plan"])]),
  // An app that wants the runtime alone says .package(…, traits: []) and need not fetch swift-argument-parser.
  traits: [
    .default(enabledTraits: ["Planner"]),
    .trait(name: "Planner", description: "What lvt-plan needs: swift-argument-parser."),
  ],
  dependencies: embedded
    ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
  targets: targets
)
