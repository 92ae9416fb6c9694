// What dlv and the debuggee print, as it arrives in their output file.
#pragma once

#include <cstdint>
#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// The file is only ever appended to, or cut to nothing by dlv_process when it has grown past
// output_cap; a reader then goes on from the file's beginning, so what was cut unread is lost to
// it.
class output_reader {
public:
    // Reads from `offset` on (dlv_process::output_start() for one run's output).
    static outcome<output_reader> open(const std::string& path, std::uint64_t offset);

    // Readable (POLLIN) when the file has grown; read_new() makes it quiet again. Spurious wake-ups
    // happen.
    int event_fd() const { return watch_.get(); }

    // What has been written since the last call, `limit` bytes at most; empty: nothing more for
    // now. Call it until it returns nothing: the descriptor is quiet from the first call on. Any
    // bytes: the debuggee's output need not be text, and a chunk may end inside a character.
    std::string read_new(std::size_t limit = 64 * 1024);

    std::uint64_t offset() const { return offset_; }

private:
    output_reader(unique_fd file, unique_fd watch, std::uint64_t offset)
        : file_(std::move(file)), watch_(std::move(watch)), offset_(offset) {}

    unique_fd file_;
    unique_fd watch_;
    std::uint64_t offset_ = 0;
};

}  // namespace launcher
