// SPDX-License-Identifier: Apache-2.0
//
// executorch MODEL.pte PICTURE.f32 EDGE INFERENCES OUTPUT.f32
//
// What runtimes.py does with --marks, by ExecuTorch's C++ library, since its Python module for Arm needs PyTorch. It has as
// many threads as there are processors in /sys.
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <vector>

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

using namespace executorch::extension;

int main(int argc, char **argv) {
    if (argc != 6)
        return 64;
    const int edge = atoi(argv[3]), inferences = atoi(argv[4]);
    std::vector<float> picture(3 * edge * edge);
    FILE *in = fopen(argv[2], "rb");
    if (!in || fread(picture.data(), sizeof(float), picture.size(), in) != picture.size())
        return 1;
    Module module(argv[1]);
    auto tensor = from_blob(picture.data(), {1, 3, edge, edge});
    for (int i = -2; i < inferences; i++) {
        if (i >= 0)
            getsid(0);
        auto result = module.forward(tensor);
        if (!result.ok()) {
            fprintf(stderr, "executorch: error %d\n", int(result.error()));
            return 1;
        }
        if (i < inferences - 1)
            continue;
        getsid(0);
        const auto y = result->at(0).toTensor();
        FILE *out = fopen(argv[5], "wb");
        if (!out || fwrite(y.const_data_ptr<float>(), sizeof(float), y.numel(), out) != size_t(y.numel()))
            return 1;
        fclose(out);
    }
}
