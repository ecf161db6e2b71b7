// SPDX-License-Identifier: Apache-2.0

/// The version of lvt.
public let lvtVersionNumber = "0.1"

/// The version of lvt, as its programs print it and its plans keep it.
public let lvtVersion = "lvt \(lvtVersionNumber)"
