#include "gateway/hints.h"

#include <algorithm>

#include "gateway/local_port.h"
#include "protocol/printable.h"
#include "protocol/json.h"
#include "storage/shell_word.h"

namespace gateway {
namespace {

using tcp = boost::asio::ip::tcp;
using protocol::json;

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    if (out.size() < width) out.append(width - out.size(), ' ');
    return out;
}

}  // namespace

tcp::endpoint address_for_ide(const tcp::endpoint& listening) {
    const auto& address = listening.address();
    if (!address.is_unspecified()) return listening;
    if (address.is_v6()) return {boost::asio::ip::address_v6::loopback(), listening.port()};
    return {boost::asio::ip::address_v4::loopback(), listening.port()};
}

std::string typing_hints(std::string_view component, const tcp::endpoint& listening, const std::vector<std::string>& given) {
    const auto ide = address_for_ide(listening);
    const auto host = ide.address().to_string();
    const auto port = std::to_string(ide.port());
    std::string name;
    protocol::append_string(name, "Go: " + protocol::printable(component));
    std::string ide_line = "delvegate ide vscode " + protocol::printable(component);
    for (const auto& word : given) ide_line += " " + protocol::printable(storage::shell_word(word));
    std::string out;
    out += "  GoLand    Run > Edit Configurations > + > Go Remote: Host " + host + ", Port " + port + "\n";
    out += "  VS Code   `" + ide_line + "` once, then F5; or by hand in .vscode/launch.json:\n";
    out += "              {\n";
    out += "                \"name\": " + name + ",\n";
    out += "                \"type\": \"go\",\n";
    out += "                \"request\": \"attach\",\n";
    out += "                \"debugAdapter\": \"dlv-dap\",\n";
    out += "                \"mode\": \"remote\",\n";
    out += "                \"host\": \"" + host + "\",\n";
    out += "                \"port\": " + port + "\n";
    out += "              }\n";
    out += "  terminal  dlv connect " + to_text(ide) + "\n";
    return out;
}

std::string ready_line(std::string_view component, std::string_view state,
                       const tcp::endpoint& listening, std::string_view gateway) {
    const auto ide = address_for_ide(listening);
    return protocol::to_text(json::object{{"event", "ready"},
                                          {"component", component},
                                          {"state", state},
                                          {"address", to_text(ide)},
                                          {"host", ide.address().to_string()},
                                          {"port", static_cast<int>(ide.port())},
                                          {"gateway", gateway}}) +
           "\n";
}

std::string component_table(const std::vector<component_summary>& components,
                            std::string_view gateway) {
    if (components.empty())
        return "no components on " + protocol::printable(gateway) + " that this certificate may see\n";
    std::size_t name_width = 4;
    std::size_t state_width = 5;
    for (const auto& c : components) {
        name_width = std::max(name_width, protocol::printable(c.name).size());
        state_width = std::max(state_width, protocol::printable(c.state).size());
    }
    std::string out = padded("NAME", name_width + 2) + padded("STATE", state_width + 2) + "DETAIL\n";
    for (const auto& c : components) {
        auto line = padded(protocol::printable(c.name), name_width + 2) +
                    padded(protocol::printable(c.state), state_width + 2) + protocol::printable(c.detail);
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string component_line(const std::vector<component_summary>& components) {
    json::array list;
    for (const auto& c : components)
        list.push_back(json::object{{"name", c.name}, {"state", c.state}, {"detail", c.detail}});
    return protocol::to_text(json::object{{"components", std::move(list)}}) + "\n";
}

std::string names_of(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
        out += protocol::printable(names[i]);
    }
    return out;
}

}  // namespace gateway
