#include "launcher/process_mark.h"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace launcher {

process_mark mark_process(pid_t pid) {
    if (pid <= 0) return {};
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    // Who ends between the opening and the reading makes the reading fail; an iterator of the buffer would throw for that.
    std::string text(4096, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    // The name may contain blanks and brackets: what counts begins after the last one.
    const auto end = text.rfind(')');
    if (end == std::string::npos || end + 2 >= text.size()) return {};
    std::string_view rest(text);
    rest.remove_prefix(end + 2);
    if (rest[0] == 'Z' || rest[0] == 'X') return {};
    for (int field = 3; field < 22; ++field) {
        const auto blank = rest.find(' ');
        if (blank == std::string_view::npos) return {};
        rest.remove_prefix(blank + 1);
    }
    process_mark out{pid, 0};
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), out.started);
    return read.ec == std::errc() ? out : process_mark{};
}

bool still_running(const process_mark& mark) { return mark.pid > 0 && mark_process(mark.pid) == mark; }

}  // namespace launcher
