// GoLand: a run configuration of type Go Remote in .run/, which GoLand takes up by itself.
#include <charconv>

#include "gateway/ide.h"
#include "storage/shell_word.h"

namespace gateway {
namespace {

constexpr std::string_view directory = ".run", suffix = ".run.xml";

std::string file_of(const std::string& component) { return std::string(directory) + "/" + component + std::string(suffix); }

// A component's name is a DNS label and needs no escapes. LEAVE: the end of the session leaves the program running.
std::string text_of(const std::string& component, std::uint16_t port) {
    return "<component name=\"ProjectRunConfigurationManager\">\n"
           "  <configuration default=\"false\" name=\"delvegate: " + component +
           "\" type=\"GoRemoteDebugConfigurationType\" factoryName=\"Go Remote\" port=\"" + std::to_string(port) + "\">\n"
           "    <option name=\"disconnectOption\" value=\"LEAVE\" />\n"
           "    <disconnect value=\"LEAVE\" />\n"
           "    <method v=\"2\" />\n"
           "  </configuration>\n"
           "</component>\n";
}

// Of a run configuration, whoever wrote it; 0: it names none.
std::uint16_t port_in(std::string_view text) {
    constexpr std::string_view name = " port=\"";
    const auto at = text.find(name);
    std::uint16_t port = 0;
    if (at != text.npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), port);
    return port;
}

class goland final : public ide {
public:
    or_reason<changes> write(const project_files& files, const ide_session& what) const override {
        return write_own_file(files, file_of(what.component), text_of(what.component, what.port));
    }

    or_reason<changes> remove(const project_files& files, const std::string& component) const override {
        const auto there = files.read(file_of(component));
        if (!there) return or_reason<changes>(boost::system::in_place_error, there.error());
        return remove_own_file(files, file_of(component), text_of(component, port_in(there->value_or(""))));
    }

    or_reason<std::vector<std::string>> written(const project_files& files) const override {
        std::vector<std::string> out;
        for (const auto& [component, port] : ports(files).ours) out.push_back(component);
        return out;
    }

    std::string text(const project_files&, const ide_session& what) const override {
        return "<!-- " + file_of(what.component) + " -->\n" + text_of(what.component, what.port);
    }

    std::string next(const ide_session& what) const override {
        auto line = storage::shell_word(what.program) + " connect " + what.component + " --listen 127.0.0.1:" + std::to_string(what.port);
        for (const auto& word : what.connect) line += " " + storage::shell_word(word);
        if (!what.source.empty()) line += " --source " + storage::shell_word(what.source);
        for (const auto& rule : what.rules) line += " --map " + storage::shell_word(rule.client + "=" + rule.server);
        return "keep this running in a terminal of GoLand: " + line + "; then choose \"delvegate: " + what.component + "\" and press Debug";
    }

    ide_ports ports(const project_files& files) const override {
        ide_ports out;
        for (const auto& component : names_between(files, std::string(directory), "", suffix)) {
            const auto text = files.read(file_of(component));
            if (!text || !*text) continue;
            const auto port = port_in(**text);
            if (**text == text_of(component, port))
                out.ours.emplace(component, port);
            else if (port != 0)
                out.others.insert(port);
        }
        return out;
    }
};

}  // namespace

std::unique_ptr<ide> make_goland() { return std::make_unique<goland>(); }

}  // namespace gateway
