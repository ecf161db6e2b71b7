// SPDX-License-Identifier: Apache-2.0
import CLVT
import LVTC

/// Options of so many threads and otherwise as they are without.
func options(threads: Int32 = 0) -> lvt_options {
  var options = lvt_options()
  options.size = MemoryLayout<lvt_options>.size
  options.threads = threads
  return options
}

/// Opens a plan file with so many threads.
func open(
  _ path: String?, threads: Int32, _ model: inout OpaquePointer?,
  _ message: UnsafeMutablePointer<CChar>? = nil, _ capacity: Int = 0
) -> lvt_status {
  var options = options(threads: threads)
  return lvt_model_open(path, &options, &model, message, capacity)
}
