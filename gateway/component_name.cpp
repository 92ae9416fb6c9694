// The name that `serve --exec` gives a component.
#include <algorithm>

#include "gateway/serve.h"

namespace gateway {

std::string component_name_of(const std::string& program) {
    std::string name;
    for (char c : program.substr(program.rfind('/') + 1)) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (good)
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    name.resize(std::min<std::size_t>(name.size(), 63));
    while (!name.empty() && name.back() == '-') name.pop_back();
    return name.empty() ? "program" : name;
}

}  // namespace gateway
