// What `connect` tells a person to type, and how it shows a list of components.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "gateway/directory.h"

namespace gateway {

// The address an IDE on this host connects to: an unspecified listen address becomes the loopback one.
boost::asio::ip::tcp::endpoint address_for_ide(const boost::asio::ip::tcp::endpoint& listening);

// Several lines for a terminal: GoLand, VS Code (a launch.json configuration to paste), dlv connect.
std::string typing_hints(std::string_view component, const boost::asio::ip::tcp::endpoint& listening, const std::vector<std::string>& given);

// One line, a JSON object: {"event":"ready","component":…,"state":…,"address":…,"host":…,"port":…,"gateway":…}.
std::string ready_line(std::string_view component, std::string_view state,
                       const boost::asio::ip::tcp::endpoint& listening, std::string_view gateway);

// A table with a heading, or one line that says there is nothing; ends with a newline.
std::string component_table(const std::vector<component_summary>& components, std::string_view gateway);

// One line, a JSON object: {"components":[{"name":…,"state":…,"detail":…}]}.
std::string component_line(const std::vector<component_summary>& components);

// "a, b and c"
std::string names_of(const std::vector<std::string>& names);

}  // namespace gateway
