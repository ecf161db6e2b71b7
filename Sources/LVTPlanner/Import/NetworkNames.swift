// SPDX-License-Identifier: Apache-2.0

/// What training programs put around a network's names and tensors.
enum NetworkNames {
  /// Where programs save the network in a dictionary, first choice first.
  static let keys = [
    "state_dict", "model", "model_state_dict", "net", "network", "params", "module", "teacher",
    "student",
  ]

  /// Every supported network has a tensor whose name ends in one of these.
  static let anchors = ["patch_embed.proj.weight", "patch_embed.proj.0.weight"]

  /// Names that wrappers insert anywhere in others: torch.compile, FSDP, activation checkpoints.
  private static let wrappers = [
    "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.",
  ]

  /// What OpenMMLab's networks have beside their `backbone.`, and what of it is for training only.
  private static let backbone = "backbone."
  private static let heads = ["neck.", "decode_head.", "bbox_head.", "rpn_head.", "roi_head."]

  /// The name of a tensor that belongs to the network whose other names start with `prefix`: what comes
  /// after the prefix, or the name of a head beside a backbone; nil for others.
  static func short(_ name: String, prefix: String, withHeads: Bool) -> String? {
    if name.hasPrefix(prefix) { return String(name.dropFirst(prefix.count)) }
    guard withHeads, prefix.hasSuffix(backbone) else { return nil }
    let outer = prefix.dropLast(backbone.count)
    guard name.hasPrefix(outer) else { return nil }
    let rest = name.dropFirst(outer.count)
    return heads.contains { rest.hasPrefix($0) } ? String(rest) : nil
  }

  /// Buffers that are no part of a network: counters of BatchNorm and of profilers, and tables that the code
  /// computes anew.
  private static let ignored = [
    "num_batches_tracked", "total_ops", "total_params", "relative_position_index", "attn_mask",
  ]

  /// Parts of names that only another library's code gives to the same networks.
  static let libraries = [
    ("attention.self.query", "Hugging Face's transformers"),
    ("embeddings.patch_embeddings", "Hugging Face's transformers"),
    ("features.1.0.attn.relative_position_bias_table", "torchvision"),
    (".attn.w_msa.", "OpenMMLab"),
  ]

  /// A name without what wrappers insert.
  static func unwrapped(_ name: String) -> String {
    wrappers.reduce(name) { $0.replacing($1, with: "") }
  }

  /// Whether a tensor of this name is no part of a network.
  static func isIgnored(_ name: String) -> Bool {
    ignored.contains { name == $0 || name.hasSuffix("." + $0) }
  }

  /// What stands before an anchor in a name, or nil if the name is none of an anchor.
  static func prefix(of name: String) -> String? {
    for anchor in anchors where name.hasSuffix(anchor) {
      let prefix = name.dropLast(anchor.count)
      if prefix.isEmpty || prefix.last == "." { return String(prefix) }
    }
    return nil
  }

  /// Whether keys or prefixes, with points between them, are of averaged weights, whose accuracies are the
  /// published ones.
  static func isAveraged(_ path: String) -> Bool {
    let words: Set<String> = ["ema", "averaged", "swa", "shadow", "teacher"]
    return path.lowercased().split { $0 == "." || $0 == "_" }.contains {
      words.contains(String($0))
    }
  }
}
