// SPDX-License-Identifier: Apache-2.0

extension PlanContents {
  /// The bytes of a plan file with these contents.
  ///
  /// - Parameters:
  ///   - constants: Packed weights and tables, as the steps' offsets say.
  ///   - hashed: Whether the SHA-256 is computed, which takes longer than all the rest; a plan without is
  ///     for this process only.
  public func encoded(constants: [UInt8], hashed: Bool = true) -> [UInt8] {
    var sections: [[UInt8]] = []
    for section in PlanFormat.Section.allCases {
      sections.append(section == .constants ? constants : body(of: section))
    }

    var offset = PlanFormat.headerBytes + sections.count * PlanFormat.sectionRecordBytes
    var table = ByteWriter()
    for (section, bytes) in zip(PlanFormat.Section.allCases, sections) {
      offset = aligned(offset)
      table.append(section.rawValue)
      table.append(UInt32(0))  // checksum
      table.append(UInt64(offset))
      table.append(UInt64(bytes.count))
      offset += bytes.count
    }

    var file = ByteWriter()
    file.bytes = PlanFormat.magic
    file.append(UInt32(PlanFormat.version))
    file.append(requiredFeatures)
    file.append(UInt64(offset))
    file.append(UInt64(multiplications))
    file.append(UInt32(sections.count))
    file.append(UInt32(0))  // checksum, and the hash: seal() fills both
    for _ in 0..<4 { file.append(UInt64(0)) }
    file.bytes += table.bytes
    for bytes in sections {
      file.bytes += [UInt8](repeating: 0, count: aligned(file.bytes.count) - file.bytes.count)
      file.bytes += bytes
    }
    PlanFormat.seal(&file.bytes, hashed: hashed)
    return file.bytes
  }

  /// The bits of the header that this plan needs.
  private var requiredFeatures: UInt32 {
    let wide = tensors.contains { $0.type == .int16 } ? PlanFormat.Feature.int16Stream : 0
    return steps.reduce(wide) { $0 | $1.operation.requiredFeatures }
  }

  private func aligned(_ offset: Int) -> Int {
    (offset + PlanFormat.alignment - 1) / PlanFormat.alignment * PlanFormat.alignment
  }

  private func body(of section: PlanFormat.Section) -> [UInt8] {
    var writer = ByteWriter()
    switch section {
    case .input:
      writer.append(UInt32(input.width))
      writer.append(UInt32(input.height))
      writer.append(input.cropFraction)
      writer.append(input.interpolation.rawValue)
    case .labels:
      writer.append(UInt32(labels.count))
      for label in labels { writer.append(label) }
    case .buffers:
      writer.append(UInt32(buffers.count))
      writer.append(UInt64(arenaBytes))
      for buffer in buffers { writer.append(buffer) }
    case .tensors:
      writer.append(UInt32(tensors.count))
      for tensor in tensors { writer.append(tensor) }
    case .steps:
      writer.append(UInt32(threads ?? 0))
      writer.append(UInt32(steps.count))
      for step in steps { writer.append(step) }
    case .constants:
      break
    case .provenance:
      writer.append(UInt32(provenance.count))
      for entry in provenance {
        writer.append(entry.key)
        writer.append(entry.value)
      }
    case .golden:
      writer.append(golden.seed)
      writer.append(UInt32(golden.stepHashes.count))
      for hash in golden.stepHashes { writer.append(hash) }
    }
    return writer.bytes
  }
}

extension Step.Operation {
  /// The bits of the header that a plan with this step needs.
  fileprivate var requiredFeatures: UInt32 {
    switch self {
    case .dynamicDepthwise: PlanFormat.Feature.dynamicDepthwise
    case .windowAttention(let s):
      PlanFormat.Feature.windowAttention | (s.keyNorm == nil ? 0 : PlanFormat.Feature.keyNorm)
    case .depthwiseAttention: PlanFormat.Feature.depthwiseAttention
    case .inhomogeneousDepthwise: PlanFormat.Feature.inhomogeneousDepthwise
    case .mlp(let s): s.norm == nil ? 0 : PlanFormat.Feature.normalizedMLP
    case .convolution: PlanFormat.Feature.convolution
    case .mapAttention: PlanFormat.Feature.mapAttention
    case .depthwise(let s):
      s.residualMultiplier == nil ? 0 : PlanFormat.Feature.residualDepthwise
    case .patchEmbed, .pointwise, .patchMerge, .head: 0
    }
  }
}

extension PlanFormat {
  /// Computes the sections' checksums, the hash and the header's checksum anew, in place.
  ///
  /// For the writer, and for tests that alter a plan: the altered one is then refused, if at all, for what
  /// it says and not for its checksums. Does nothing to a file too short to hold a section table.
  package static func seal(_ file: inout [UInt8], hashed: Bool = true) {
    let sections = Section.allCases.count
    guard file.count >= headerBytes + sections * sectionRecordBytes else { return }
    for i in 0..<sections {
      let record = headerBytes + i * sectionRecordBytes
      let (offset, size) = file.withUnsafeBytes { bytes in
        (
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: record + 8, as: UInt64.self)),
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: record + 16, as: UInt64.self))
        )
      }
      let count = UInt64(file.count)
      guard offset <= count, size <= count - offset else { continue }
      let crc = file.withUnsafeBytes {
        CRC32C.checksum(.init(rebasing: $0[Int(offset)..<Int(offset + size)]))
      }
      store(crc, at: record + 4, in: &file)
    }
    for i in Header.checksum..<headerBytes { file[i] = 0 }
    if hashed {
      let hash = file.withUnsafeBytes { SHA256.hash($0) }
      file.replaceSubrange(Header.hash..<headerBytes, with: hash)
    }
    store(file.withUnsafeBytes { headerChecksum($0) }, at: Header.checksum, in: &file)
  }

  private static func store(_ value: UInt32, at offset: Int, in file: inout [UInt8]) {
    for i in 0..<4 { file[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))) }
  }

  /// The checksum of header and section table, as far as the file reaches.
  static func headerChecksum(_ file: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C.checksum(.init(rebasing: file[0..<Header.checksum]))
    let zeros: [UInt8] = [0, 0, 0, 0]
    crc = zeros.withUnsafeBytes { CRC32C.checksum($0, continuing: crc) }
    let end = min(headerBytes + Section.allCases.count * sectionRecordBytes, file.count)
    return CRC32C.checksum(.init(rebasing: file[Header.hash..<end]), continuing: crc)
  }

  /// SHA-256 of a plan file with its hash and checksum fields as zeros.
  static func contentHash(_ file: UnsafeRawBufferPointer) -> [UInt8] {
    var sha = SHA256()
    sha.update(.init(rebasing: file[0..<Header.checksum]))
    let zeros = [UInt8](repeating: 0, count: headerBytes - Header.checksum)
    zeros.withUnsafeBytes { sha.update($0) }
    sha.update(.init(rebasing: file[headerBytes...]))
    return sha.finish()
  }
}

/// Appends little-endian fields.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    for i in 0..<(T.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * i))) }
  }

  mutating func append(_ value: Float) { append(value.bitPattern) }

  mutating func append(_ value: Double) { append(value.bitPattern) }

  mutating func append(_ text: String) {
    let utf8 = Array(text.utf8.prefix(PlanLimits.textBytes))
    append(UInt32(utf8.count))
    bytes += utf8
  }

  mutating func append(_ buffer: Buffer) {
    append(UInt32(buffer.lifetime.firstStep))
    append(UInt32(buffer.lifetime.lastStep))
    append(UInt64(buffer.offset))
    append(UInt64(buffer.byteCount))
  }

  mutating func append(_ tensor: Tensor) {
    append(UInt32(tensor.shape.height))
    append(UInt32(tensor.shape.width))
    append(UInt32(tensor.shape.channels))
    append(tensor.type.rawValue)
    append(tensor.quantization.scale)
    append(Int32(tensor.quantization.zeroPoint))
    append(UInt32(tensor.buffer))
  }

  mutating func append(_ matrix: PackedMatrix) {
    append(UInt32(matrix.k))
    append(UInt32(matrix.n))
    append(UInt64(matrix.offset))
    append(Int32(matrix.outputZeroPoint))
    append(Int32(matrix.lowerBound))
  }

  mutating func append(_ norm: LayerNorm) {
    append(UInt32(norm.channels))
    append(UInt64(norm.gammaOffset))
    append(UInt64(norm.betaOffset))
    append(norm.epsilon)
    append(Int32(norm.outputZeroPoint))
  }

  mutating func append(_ narrowing: Narrowing) {
    append(narrowing.multiplier)
    append(Int32(narrowing.zeroPoint))
  }

  mutating func append(_ step: Step) {
    let code: PlanFormat.OperationCode =
      switch step.operation {
      case .patchEmbed: .patchEmbed
      case .pointwise(let s): s.narrowing == nil ? .pointwise : .narrowedPointwise
      case .depthwise(let s): s.residualMultiplier == nil ? .depthwise : .residualDepthwise
      case .dynamicDepthwise: .dynamicDepthwise
      case .inhomogeneousDepthwise: .inhomogeneousDepthwise
      case .mlp(let s):
        s.norm != nil ? .normalizedMLP : s.narrowing == nil ? .mlp : .narrowedMLP
      case .patchMerge: .patchMerge
      case .head: .head
      case .windowAttention(let s):
        s.keyNorm == nil ? .windowAttention : .keyNormWindowAttention
      case .depthwiseAttention(let s):
        switch s.weighting {
        case .softmax: .depthwiseSoftmaxAttention
        case .layerNorm: .depthwiseLayerNormAttention
        }
      case .mapAttention(let s): s.dilations == nil ? .globalAttention : .dilatedAttention
      case .convolution(let s): s.outside == nil ? .convolution : .pictureConvolution
      }
    append(code.rawValue)
    append(UInt32(step.input))
    append(UInt32(step.output))
    append(UInt64(step.scratchOffset))
    append(UInt64(step.scratchBytes))
    append(UInt32(step.stripRows))
    switch step.operation {
    case .patchEmbed(let s):
      append(UInt32(s.patch))
      append(s.matrix)
      append(s.norm)
    case .pointwise(let s):
      if let narrowing = s.narrowing { append(narrowing) }
      append(s.matrix)
      append(s.residual.map { UInt32($0) } ?? PlanFormat.none)
      append(s.residualMultiplier)
    case .depthwise(let s):
      append(UInt32(s.kernel))
      append(s.filter)
      if let multiplier = s.residualMultiplier { append(multiplier) }
    case .dynamicDepthwise(let s):
      append(UInt32(s.kernel))
      append(s.meanMultiplier)
      append(s.squeeze)
      append(UInt64(s.squeezeBiasOffset))
      append(s.expand)
      append(UInt64(s.expandBiasOffset))
      append(UInt64(s.biasOffset))
    case .inhomogeneousDepthwise(let s):
      append(UInt32(s.kernel))
      append(UInt32(s.groups))
      append(s.squeeze)
      append(s.expand)
      append(UInt64(s.multiplierOffset))
      append(UInt64(s.biasOffset))
    case .mlp(let s):
      if let norm = s.norm {
        append(norm)
      } else if let narrowing = s.narrowing {
        append(narrowing)
      }
      append(s.expand)
      append(UInt64(s.tableOffset))
      append(s.project)
      append(s.residualMultiplier)
    case .patchMerge(let s):
      append(s.norm)
      append(s.matrix)
    case .head(let s):
      append(s.norm)
      append(s.pooling.rawValue)
      append(s.poolingMultiplier)
      append(s.matrix)
      append(UInt64(s.biasOffset))
    case .windowAttention(let s):
      append(UInt32(s.window))
      append(UInt32(s.shift.rows))
      append(UInt32(s.shift.columns))
      append(s.shift.order.rawValue)
      append(UInt32(s.heads))
      append(s.norm)
      append(s.qkv)
      append(s.scoreMultiplier)
      append(s.biasOffset.map { UInt64($0) } ?? UInt64(PlanFormat.none))
      if let norm = s.keyNorm {
        append(UInt64(norm.gammaOffset))
        append(UInt64(norm.betaOffset))
        append(norm.epsilon)
      }
      append(s.attendedMultiplier)
      append(Int32(s.attendedZeroPoint))
      append(s.project)
      append(s.residualMultiplier)
    case .mapAttention(let s):
      if let dilations = s.dilations { append(UInt32(dilations)) }
      append(UInt32(s.heads))
      append(s.norm)
      append(s.qkv)
      append(s.scoreMultiplier)
      append(s.attendedMultiplier)
      append(Int32(s.attendedZeroPoint))
      append(s.project)
      append(s.residualMultiplier)
    case .depthwiseAttention(let s):
      append(UInt32(s.kernel))
      append(s.norm)
      append(s.qkv)
      append(UInt64(s.biasOffset))
      switch s.weighting {
      case .softmax(let scores, let attended):
        append(UInt64(scores))
        append(UInt64(attended))
      case .layerNorm(let gamma, let beta, let epsilon):
        append(UInt64(gamma))
        append(UInt64(beta))
        append(UInt64(epsilon))
      }
      append(Int32(s.attendedZeroPoint))
      append(s.project)
      append(s.residualMultiplier)
    case .convolution(let s):
      append(UInt32(s.kernel))
      append(UInt32(s.stride))
      for byte in s.outside ?? [] { append(byte) }
      append(s.matrix)
      append(s.tableOffset.map { UInt64($0) } ?? UInt64(PlanFormat.none))
    }
  }
}
