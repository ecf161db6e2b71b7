// SPDX-License-Identifier: Apache-2.0

extension LabelSet {
  /// The 19 classes of Cityscapes that are evaluated, by their training numbers.
  ///
  /// From mmsegmentation 1.2.2 (`mmseg/utils/class_names.py`), Apache-2.0, copyright OpenMMLab.
  static let cityscapesNames = """
    road
    sidewalk
    building
    wall
    fence
    pole
    traffic light
    traffic sign
    vegetation
    terrain
    sky
    person
    rider
    car
    truck
    bus
    train
    motorcycle
    bicycle
    """
}
