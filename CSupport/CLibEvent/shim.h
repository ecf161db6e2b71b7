// SPDX-License-Identifier: Apache-2.0
#pragma once
// First, before libevent asks for GNU's extensions: other modules have the system's types without
// them.
#include <sys/types.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
