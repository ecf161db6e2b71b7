// SPDX-License-Identifier: Apache-2.0

// What a device app imports: the engine, the plan's types, and pictures.
@_exported public import LVTImage
@_exported public import LVTModel
@_exported public import LVTRuntime
