#include "differential/oracle.h"

#include <sys/wait.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

#include "protocol/json.h"

namespace differential {
namespace {

using protocol::json;

// Files, not pipes: both ends may be as slow as they like.
class scratch_dir {
public:
    scratch_dir() {
        std::string name = std::filesystem::temp_directory_path() / "differential-XXXXXX";
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
        path_ = name;
    }
    ~scratch_dir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_dir(const scratch_dir&) = delete;
    scratch_dir& operator=(const scratch_dir&) = delete;
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

std::vector<std::string> run(const std::string& arguments, const std::string& input) {
    scratch_dir dir;
    std::ofstream(dir / "in", std::ios::binary) << input;
    const std::string command = "'" ORACLE "' " + arguments + " <'" + (dir / "in").string() +
                                "' >'" + (dir / "out").string() + "'";
    const int status = std::system(command.c_str());
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error("the oracle failed: " + command);
    std::ifstream out(dir / "out", std::ios::binary);
    std::vector<std::string> lines;
    for (std::string line; std::getline(out, line);) lines.push_back(line);
    return lines;
}

json parse(const std::string& line) {
    auto value = protocol::parse_json(line, {.max_depth = 20'000, .fold_keys = false});
    if (!value) throw std::runtime_error("the oracle said: " + line);
    return *value;
}

std::string decode_base64(std::string_view text) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : text) {
        if (c == '=') break;
        bits = bits << 6 | static_cast<std::uint32_t>(alphabet.find(c));
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xff);
    }
    return bytes;
}

std::vector<std::string> strings(const json& object, std::string_view key) {
    std::vector<std::string> out;
    if (const json* list = object.find(key); list && list->is_array())
        for (const json& element : *list->if_array()) out.push_back(*element.if_string());
    return out;
}

void append_part(std::string& out, std::string_view part) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(part.size() >> shift & 0xff);
    out += part;
}

}  // namespace

std::vector<answer> ask(const std::vector<test_case>& cases) {
    std::string input;
    for (const auto& c : cases) {
        input += c.kind;
        append_part(input, c.client);
        append_part(input, c.upstream);
    }
    const auto lines = run("judge", input);
    if (lines.size() != cases.size()) throw std::runtime_error("the oracle left cases unanswered");
    std::vector<answer> answers;
    for (const auto& line : lines) {
        const json a = parse(line);
        answer& out = answers.emplace_back();
        out.read = a.get_bool("Read");
        out.error = a.get_string("Error");
        out.operation = a.get_string("Operation");
        out.known = a.get_bool("Known");
        out.same = a.get_bool("Same");
        out.why = a.get_string("Why");
        for (const auto& part : strings(a, "Parts")) out.parts.push_back(decode_base64(part));
    }
    return answers;
}

std::vector<std::string> generate(unsigned seed, int count) {
    return run("generate " + std::to_string(seed) + " " + std::to_string(count), "");
}

operations list() {
    const auto lines = run("list", "");
    if (lines.size() != 1) throw std::runtime_error("the oracle has no list");
    const json all = parse(lines[0]);
    return {strings(all, "Methods"), strings(all, "Commands"), strings(all, "Requests")};
}

}  // namespace differential
