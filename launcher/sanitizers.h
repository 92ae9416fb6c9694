// A build with AddressSanitizer runs confined like any other, but for what its runtime itself asks of the kernel.
#pragma once

#include <span>

namespace launcher {

// System calls that a filter has to let through besides its own; none in a build without.
std::span<const char* const> calls_of_sanitizers();

// From now on leaks are not looked for at the process's end: LeakSanitizer traces it from a process of its own, which a confined
// one forbids. What is confined is therefore looked at for leaks by unit tests only.
void no_leaks_from_here();

}  // namespace launcher
