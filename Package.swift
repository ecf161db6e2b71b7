// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
  name: "lvt",
  products: [.library(name: "LVTPlanner", targets: ["LVTPlanner"])],
  targets: [
    .systemLibrary(name: "CZlib", path: "CSupport/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "LVTPlanner", dependencies: ["CZlib"], path: "Sources/LVTPlanner"),
    .testTarget(
      name: "LVTPlannerTests", dependencies: ["LVTPlanner"], path: "Tests/LVTPlannerTests"),
  ]
)
