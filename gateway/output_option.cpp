#include "gateway/output_option.h"

#include <cstdio>

namespace gateway {

void add_output_option(CLI::App& command, std::string& output, const std::string& about) {
    command.add_option("--output", output, about)->type_name("FORMAT")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
}

void say(const std::string& output, const std::string& text, const protocol::json& value) {
    std::fputs(output == "json" ? (protocol::to_text(value) + "\n").c_str() : text.c_str(), stdout);
}

}  // namespace gateway
