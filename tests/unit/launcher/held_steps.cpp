// hold or put back one manifest and end: what the tests kill in the middle.
//   held_steps hold DIRECTORY NAME HASH | held_steps return DIRECTORY NAME
#include <cstdio>
#include <cstring>

#include "launcher/held_manifest.h"

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const launcher::manifest_place place{argv[2], argv[3], {}};
    std::string error;
    if (std::strcmp(argv[1], "hold") == 0 && argc == 5) {
        launcher::hold_request request;
        request.session = "0123456789abcdef0123456789abcdef";
        request.component = "kube-scheduler";
        request.expected_hash = argv[4];
        request.by = "alice";
        if (const auto out = launcher::hold_manifest(place, request); !out) error = out.error();
    } else if (std::strcmp(argv[1], "return") == 0) {
        if (const auto out = launcher::put_back_manifest(place); !out) error = out.error();
    } else {
        return 2;
    }
    if (!error.empty()) std::fprintf(stderr, "%s\n", error.c_str());
    return error.empty() ? 0 : 1;
}
