// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A row of the kernel list.
public struct KernelRow: Sendable {
  /// Where it is in the list.
  public let index: Int
  /// The operation, as in `gemm_s8`.
  public let operation: String
  /// The instruction set, as in `avx2`.
  public let isa: String
  /// What the CPU needs.
  public let features: UInt32

  init(index: Int) {
    let row = lvt_kernel_at(index)
    self.index = index
    operation = row.op.map { String(cString: $0) } ?? ""
    isa = row.isa.map { String(cString: $0) } ?? ""
    features = row.features
  }

  /// All rows, in the list's order.
  public static var all: [KernelRow] { (0..<lvt_kernel_count()).map(KernelRow.init(index:)) }

  /// Operation and instruction set, as in `gemm_s8 avx2`.
  public var name: String { "\(operation) \(isa)" }
  /// Whether this CPU has what the row needs.
  public var isRunnable: Bool { features & ~lvt_cpu_features() == 0 }
  /// Whether the row is the definition of its operation.
  public var isScalar: Bool { features == 0 }

  /// The kernels that the features of this row select.
  var kernels: lvt_kernels { lvt_kernels_select(features) }

  /// Whether those features select this row's function and no other.
  var isSelected: Bool {
    let kernels = kernels
    guard let function = lvt_kernel_at(index).function else { return false }
    let wanted = unsafeBitCast(function, to: UInt.self)
    return switch Operation(rawValue: operation) {
    case .gemm: unsafeBitCast(kernels.gemm_s8, to: UInt.self) == wanted
    case .dwconv: unsafeBitCast(kernels.dwconv_s8, to: UInt.self) == wanted
    case .packDwconv: unsafeBitCast(kernels.pack_dwconv_f32, to: UInt.self) == wanted
    case .pairPixels: unsafeBitCast(kernels.pair_pixels_s8, to: UInt.self) == wanted
    case .posconv: unsafeBitCast(kernels.posconv_s16, to: UInt.self) == wanted
    case .layerNorm: unsafeBitCast(kernels.layernorm, to: UInt.self) == wanted
    case .table: unsafeBitCast(kernels.table_s8, to: UInt.self) == wanted
    case .columnSums: unsafeBitCast(kernels.column_sums_s8, to: UInt.self) == wanted
    case .centre: unsafeBitCast(kernels.centre_u8, to: UInt.self) == wanted
    case .attention: unsafeBitCast(kernels.attention_s8, to: UInt.self) == wanted
    case .narrow: unsafeBitCast(kernels.narrow_s16, to: UInt.self) == wanted
    case .dilatedAttention: unsafeBitCast(kernels.dilated_attention_s8, to: UInt.self) == wanted
    case .depthwiseSoftmax: unsafeBitCast(kernels.depthwise_softmax_s8, to: UInt.self) == wanted
    case .depthwiseLayerNorm:
      unsafeBitCast(kernels.depthwise_layernorm_s8, to: UInt.self) == wanted
    case .taps: unsafeBitCast(kernels.taps_s8, to: UInt.self) == wanted
    case .pixels: unsafeBitCast(kernels.pixels_s8, to: UInt.self) == wanted
    case .picturePixels: unsafeBitCast(kernels.pixels_u8, to: UInt.self) == wanted
    case .yuv: unsafeBitCast(kernels.yuv_rgb_u8, to: UInt.self) == wanted
    case .packed: unsafeBitCast(kernels.packed_rgb_u8, to: UInt.self) == wanted
    case .resample: unsafeBitCast(kernels.resample_s8, to: UInt.self) == wanted
    case .regionRow: unsafeBitCast(kernels.region_row_s8, to: UInt.self) == wanted
    case .greatest: unsafeBitCast(kernels.greatest_s16, to: UInt.self) == wanted
    case .labelRow: unsafeBitCast(kernels.label_row_s16, to: UInt.self) == wanted
    case .resampleRow: unsafeBitCast(kernels.resample_row_u8, to: UInt.self) == wanted
    case .resampleRows: unsafeBitCast(kernels.resample_rows_u8, to: UInt.self) == wanted
    case nil: false
    }
  }
}

/// The operations that the check knows; a list row of any other is a failure.
enum Operation: String {
  case gemm = "gemm_s8"
  case dwconv = "dwconv_s8"
  case packDwconv = "pack_dwconv_f32"
  case pairPixels = "pair_pixels_s8"
  case posconv = "posconv_s16"
  case layerNorm = "layernorm"
  case table = "table_s8"
  case columnSums = "column_sums_s8"
  case centre = "centre_u8"
  case attention = "attention_s8"
  case narrow = "narrow_s16"
  case dilatedAttention = "dilated_attention_s8"
  case depthwiseSoftmax = "depthwise_softmax_s8"
  case depthwiseLayerNorm = "depthwise_layernorm_s8"
  case taps = "taps_s8"
  case pixels = "pixels_s8"
  case picturePixels = "pixels_u8"
  case yuv = "yuv_rgb_u8"
  case packed = "packed_rgb_u8"
  case resampleRow = "resample_row_u8"
  case resampleRows = "resample_rows_u8"
  case resample = "resample_s8"
  case regionRow = "region_row_s8"
  case greatest = "greatest_s16"
  case labelRow = "label_row_s16"
}
