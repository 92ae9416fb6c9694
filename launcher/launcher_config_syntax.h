// launcher.yaml's values, each read into its place: what is wrong with one, in words that follow its key, or "".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "launcher/launcher_config.h"

namespace launcher::config_syntax {

using words = std::vector<std::string>;

// Absolute, without . and .. and doubled slashes, so that it is the path that is checked.
std::string path_into(std::string& to, const std::string& text, std::size_t most = 4000);
std::string program_into(std::string& to, const std::string& text);  // a path, or a name without a slash
std::string user_into(std::string& to, const std::string& text);
std::string label_into(std::string& to, const std::string& text);
std::string subdomain_into(std::string& to, const std::string& text);
std::string account_into(std::string& to, const std::string& text);    // a user's name or number
std::string base_name_into(std::string& to, const std::string& text);  // of a program: no slash, no blank
std::string unit_into(std::string& to, const std::string& text);
std::string health_into(std::string& to, const std::string& text);
std::string texts_into(std::vector<std::string>& to, const words& items);
std::string uids_into(std::vector<uid_t>& to, const words& items);
std::string ports_into(std::vector<std::uint16_t>& to, const words& items);
std::string classes_into(protocol::class_set& to, const words& items);
std::string flag_into(bool& to, const std::string& text);
std::string size_into(std::uint64_t& to, const std::string& text);
std::string seconds_into(std::chrono::seconds& to, const std::string& text, std::chrono::seconds least,
                         std::chrono::seconds most);
std::string count_into(std::uint32_t& to, const std::string& text, std::uint32_t least, std::uint32_t most);
std::string count_into(std::size_t& to, const std::string& text, std::uint32_t least, std::uint32_t most);
std::string kind_into(component_kind& to, const std::string& text);
std::string remote_into(remote_start& to, const std::string& text);
std::string on_exit_into(component_definition::on_exit& to, const std::string& text);

}  // namespace launcher::config_syntax
