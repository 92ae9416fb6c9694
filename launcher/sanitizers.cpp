#include "launcher/sanitizers.h"

#include <atomic>

namespace launcher {

#if defined(__SANITIZE_ADDRESS__)

namespace {

std::atomic<bool> confined{false};
constexpr const char* calls[] = {"mmap", "mprotect", "readlink", "readlinkat", "sched_getaffinity", "getrlimit", "prlimit64", "prctl",
                                 "getcwd", "stat", "lstat", "uname", "sysinfo",
                                 // Whether memory can be read is asked with a pipe.
                                 "pipe", "pipe2"};

}  // namespace

std::span<const char* const> calls_of_sanitizers() { return calls; }
void no_leaks_from_here() { confined = true; }

// Asked by LeakSanitizer before it looks (sanitizer/lsan_interface.h).
extern "C" int __lsan_is_turned_off() { return confined ? 1 : 0; }

#else

std::span<const char* const> calls_of_sanitizers() { return {}; }
void no_leaks_from_here() {}

#endif

}  // namespace launcher
