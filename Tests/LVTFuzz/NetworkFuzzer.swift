// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport

@testable import LVTPlanner

extension Fuzzer {
  /// The first three bytes are the input's size and what the options say, then come lines such as `norm.weight:16`.
  static let networks = Fuzzer(
    name: "networks", summary: "networks of any tensor names and extents", longest: 1 << 14,
    seeds: {
      let networks: [TinyNetwork] = [
        TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .depthwiseViT,
        .dilateFormer,
      ]
      return networks.map { network in
        let lines = network.checkpoint().tensors.sorted { $0.key < $1.key }.map { name, tensor in
          "\(name):\(tensor.shape.map(String.init).joined(separator: ","))\n"
        }
        let options: UInt8 = network.dilatedStages == nil ? 0 : 1
        return [UInt8(network.size.width), UInt8(network.size.height), options]
          + lines.joined().utf8
      }
    },
    run: { input in
      guard input.count > 3, let tensors = namedTensors(input.dropFirst(3)) else { return }
      var options = Network.Options()
      options.inputSize = PictureSize(
        width: 1 + Int(input[0] & 63), height: 1 + Int(input[1] & 63))
      if input[2] & 1 == 1 { options.heads = [3, 6, 12, 24].map { $0 * (1 + Int(input[2] >> 6)) } }
      do throws(NetworkError) {
        let network = try Network(Checkpoint(tensors: tensors), options: options)
        _ = (network.macs, network.parameters, network.classCount)
      } catch { _ = error.description }
    })

  /// The tensors of lines of names and extents; nil if they are too large to be tried.
  private static func namedTensors(
    _ text: Slice<UnsafeRawBufferPointer>
  ) -> [String: FloatTensor]? {
    var tensors: [String: FloatTensor] = [:]
    var left = 1 << 17
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1)
      guard parts.count == 2 else { continue }
      let name = String(decoding: parts[0], as: UTF8.self)
      let shape = parts[1].split(separator: UInt8(ascii: ",")).compactMap {
        Int(String(decoding: $0, as: UTF8.self))
      }
      guard shape.count <= StridedLayout.maximumRank, let count = checkedProduct(shape),
        count <= left
      else { return nil }
      left -= count
      let value = Float(name.utf8.count % 7) / 10
      tensors[name] = FloatTensor(shape: shape, values: [Float](repeating: value, count: count))
    }
    return tensors
  }
}
