// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// An instruction set that has kernels of its own.
public enum ISA: Int, CaseIterable, Sendable {
  /// Portable C.
  case scalar
  /// x86-64 with AVX2.
  case avx2
  /// x86-64 with AVX2 and AVX-VNNI.
  case avxvnni
  /// x86-64 with AVX2 and AVX-512 F, BW, DQ, VL and VNNI; VBMI is used as well where there is any.
  case avx512vnni
  /// AArch64 without dot product.
  case neon
  /// AArch64 with dot product.
  case neondot
  /// AArch64 with dot product and int8 matrix multiplication.
  case neoni8mm

  /// The name as `--cpu` takes it.
  public var name: String {
    switch self {
    case .scalar: "scalar"
    case .avx2: "avx2"
    case .avxvnni: "avxvnni"
    case .avx512vnni: "avx512vnni"
    case .neon: "neon"
    case .neondot: "neondot"
    case .neoni8mm: "neoni8mm"
    }
  }

  /// The instruction set with this name, or nil.
  public init?(name: String) {
    for isa in ISA.allCases where isa.name == name {
      self = isa
      return
    }
    return nil
  }

  /// Feature bits that a CPU must have.
  private var required: UInt32 {
    switch self {
    case .scalar: 0
    case .avx2: UInt32(LVT_CPU_AVX2)
    case .avxvnni: UInt32(LVT_CPU_AVX2 | LVT_CPU_AVXVNNI)
    case .avx512vnni: UInt32(LVT_CPU_AVX2 | LVT_CPU_AVX512VNNI)
    case .neon: UInt32(LVT_CPU_NEON)
    case .neondot: UInt32(LVT_CPU_NEON | LVT_CPU_NEONDOT)
    case .neoni8mm: UInt32(LVT_CPU_NEON | LVT_CPU_NEONDOT | LVT_CPU_NEONI8MM)
    }
  }

  /// Feature bits that kernels may use when this instruction set is asked for.
  package var allowed: UInt32 {
    let optional = self == .avx512vnni ? UInt32(LVT_CPU_AVX512VBMI) : 0
    return required | (optional & lvt_cpu_features())
  }

  /// Whether this CPU can run it.
  public var isAvailable: Bool { required & ~lvt_cpu_features() == 0 }

  /// What this CPU can run, slowest first.
  public static var available: [ISA] { allCases.filter { $0.isAvailable } }

  /// The fastest that this CPU can run.
  public static var best: ISA { available.last ?? .scalar }

  /// The kernels that this instruction set selects: operation and the ISA whose function serves it.
  public var kernelNames: [(operation: String, isa: String)] {
    var names: [(operation: String, isa: String)] = []
    for i in 0..<lvt_kernel_count() {
      let row = lvt_kernel_at(i)
      guard row.features & ~allowed == 0 else { continue }
      let operation = String(cString: row.op), isa = String(cString: row.isa)
      if let known = names.firstIndex(where: { $0.operation == operation }) {
        names[known].isa = isa
      } else {
        names.append((operation: operation, isa: isa))
      }
    }
    return names
  }
}
