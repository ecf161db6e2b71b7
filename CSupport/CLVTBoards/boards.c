// SPDX-License-Identifier: Apache-2.0
#include "CLVTBoards.h"

// Clang has #embed in all of its dialects, and says each time that it is new.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char beagleplay[] = {
#embed "../../boards/beagleplay/board.json"
};
static const unsigned char generic_aarch64[] = {
#embed "../../boards/generic-aarch64/board.json"
};
static const unsigned char generic_x86_64_v3[] = {
#embed "../../boards/generic-x86-64-v3/board.json"
};
static const unsigned char intel_n100[] = {
#embed "../../boards/intel-n100/board.json"
};
static const unsigned char jetson_nano[] = {
#embed "../../boards/jetson-nano/board.json"
};
static const unsigned char orange_pi_5[] = {
#embed "../../boards/orange-pi-5/board.json"
};
static const unsigned char radxa_zero_3[] = {
#embed "../../boards/radxa-zero-3/board.json"
};
static const unsigned char raspberry_pi_3b_plus[] = {
#embed "../../boards/raspberry-pi-3b-plus/board.json"
};
static const unsigned char raspberry_pi_4b[] = {
#embed "../../boards/raspberry-pi-4b/board.json"
};
static const unsigned char raspberry_pi_5[] = {
#embed "../../boards/raspberry-pi-5/board.json"
};
static const unsigned char raspberry_pi_zero_2w[] = {
#embed "../../boards/raspberry-pi-zero-2w/board.json"
};

#define BOARD(name, file)                                                                          \
    { name, file, sizeof file }

static const lvt_board_file boards[] = {
    BOARD("beagleplay", beagleplay),
    BOARD("generic-aarch64", generic_aarch64),
    BOARD("generic-x86-64-v3", generic_x86_64_v3),
    BOARD("intel-n100", intel_n100),
    BOARD("jetson-nano", jetson_nano),
    BOARD("orange-pi-5", orange_pi_5),
    BOARD("radxa-zero-3", radxa_zero_3),
    BOARD("raspberry-pi-3b-plus", raspberry_pi_3b_plus),
    BOARD("raspberry-pi-4b", raspberry_pi_4b),
    BOARD("raspberry-pi-5", raspberry_pi_5),
    BOARD("raspberry-pi-zero-2w", raspberry_pi_zero_2w),
};

size_t lvt_board_count(void) {
    return sizeof boards / sizeof *boards;
}

lvt_board_file lvt_board_at(size_t index) {
    return boards[index];
}
