// GoLand: run configurations in .run/, which GoLand takes up by itself: Go Remote, and a shell script that it runs first. What
// the script is, and that GoLand waits for its end, is intellij-community's ShRunConfiguration and RunConfigurationBeforeRunProvider.
#include <algorithm>
#include <charconv>

#include "gateway/ide.h"
#include "storage/shell_word.h"

namespace gateway {
namespace {

constexpr std::string_view directory = ".run", suffix = ".run.xml";

std::string file_of(const std::string& component) { return std::string(directory) + "/" + component + std::string(suffix); }
// The dot keeps it apart from a component's: those have none.
std::string script_file_of(const std::string& component) { return file_of(component + ".connect"); }

std::string script_name(const std::string& component) { return "delvegate: connect " + component; }

// As the value of an attribute.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else if (static_cast<unsigned char>(c) < ' ') out += "&#" + std::to_string(static_cast<int>(c)) + ";";
        else out += c;
    }
    return out;
}

constexpr std::string_view head = "<component name=\"ProjectRunConfigurationManager\">\n", tail = "  </configuration>\n</component>\n";

// A component's name is a DNS label and needs no escapes. LEAVE: the end of the session leaves the program running.
std::string text_of(const std::string& component, std::uint16_t port, bool starts_connect = true) {
    return std::string(head) + "  <configuration default=\"false\" name=\"delvegate: " + component +
           "\" type=\"GoRemoteDebugConfigurationType\" factoryName=\"Go Remote\" port=\"" + std::to_string(port) +
           "\">\n"
           "    <option name=\"disconnectOption\" value=\"LEAVE\" />\n"
           "    <disconnect value=\"LEAVE\" />\n" +
           (starts_connect ? "    <method v=\"2\">\n"
                             "      <option name=\"RunConfigurationTask\" enabled=\"true\" run_configuration_name=\"" +
                                 script_name(component) + "\" run_configuration_type=\"ShConfigurationType\" />\n    </method>\n"
                           : std::string("    <method v=\"2\" />\n")) +
           std::string(tail);
}

// What GoLand gives to the person's shell, in the folder: files below it by names that are good in other people's, too.
std::string command_of(const project_files& files, const ide_session& what) {
    std::string line = storage::shell_word(what.program) + " connect " + what.component + " --background --listen 127.0.0.1:" + std::to_string(what.port);
    const auto near = [&](const std::string& path) { return in_folder(path, files.folder(), "."); };
    for (const auto& word : what.connect) line += " " + storage::shell_word(near(word));
    if (!what.source.empty()) line += " --source " + storage::shell_word(near(what.source));
    for (const auto& rule : what.rules) line += " --map " + storage::shell_word(near(rule.client) + "=" + rule.server);
    return line;
}

// Not in GoLand's terminal, whose end would not be waited for. `command` is escaped.
std::string script_with(const std::string& component, std::string_view command) {
    std::string out = std::string(head) + "  <configuration default=\"false\" name=\"" + script_name(component) + "\" type=\"ShConfigurationType\">\n";
    const auto option = [&](std::string_view name, std::string_view value) {
        out += "    <option name=\"" + std::string(name) + "\" value=\"" + std::string(value) + "\" />\n";
    };
    option("SCRIPT_TEXT", command);
    option("INDEPENDENT_SCRIPT_PATH", "true");
    option("SCRIPT_PATH", "");
    option("SCRIPT_OPTIONS", "");
    option("INDEPENDENT_SCRIPT_WORKING_DIRECTORY", "true");
    option("SCRIPT_WORKING_DIRECTORY", "$PROJECT_DIR$");
    option("INDEPENDENT_INTERPRETER_PATH", "true");
    option("INTERPRETER_PATH", "/bin/sh");
    option("INTERPRETER_OPTIONS", "");
    option("EXECUTE_IN_TERMINAL", "false");
    option("EXECUTE_SCRIPT_FILE", "false");
    return out + "    <envs />\n    <method v=\"2\" />\n" + std::string(tail);
}

std::string script_of(const project_files& files, const ide_session& what) { return script_with(what.component, escaped(command_of(files, what))); }

// A script with no other options than we write: what it would be, where it is that.
std::optional<std::string> script_like(const std::string& text, const std::string& component) {
    constexpr std::string_view options[] = {"--background", "--listen", "--context", "--gateway", "--identity", "--kubeconfig", "--kube-context", "--certificate",
                                            "--key", "--ca", "--server-name", "--via", "--source", "--map"};
    constexpr std::string_view name = "name=\"SCRIPT_TEXT\" value=\"";
    const auto at = text.find(name);
    if (at == text.npos) return std::nullopt;
    const auto command = text.substr(at + name.size(), text.find('"', at + name.size()) - at - name.size());
    if (command.find(" connect " + component + " --background") == command.npos) return std::nullopt;
    for (auto word = command.find(" --"); word != command.npos; word = command.find(" --", word + 1)) {
        const auto option = std::string_view(command).substr(word + 1, command.find(' ', word + 1) - word - 1);
        if (std::find(std::begin(options), std::end(options), option) == std::end(options)) return std::nullopt;
    }
    return script_with(component, command);
}

// Of a run configuration, whoever wrote it; 0: it names none.
std::uint16_t port_in(std::string_view text) {
    constexpr std::string_view name = " port=\"";
    const auto at = text.find(name);
    std::uint16_t port = 0;
    if (at != text.npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), port);
    return port;
}

// GoLand has saved it anew, or somebody has changed it: its name and its type are ours all the same.
bool is_ours(std::string_view text, const std::string& component) {
    return text.find(" name=\"delvegate: " + component + "\"") != text.npos && text.find(" type=\"GoRemoteDebugConfigurationType\"") != text.npos;
}

bool as_written(const std::string& text, const std::string& component) {
    return text == text_of(component, port_in(text)) || text == text_of(component, port_in(text), false);
}

// What others have made of a file of ours stays, but for the port.
std::string with_port(const std::string& text, std::uint16_t port) {
    constexpr std::string_view name = " port=\"";
    const auto at = text.find(name);
    if (at == text.npos) return text;
    const auto from = at + name.size();
    return text.substr(0, from) + std::to_string(port) + text.substr(std::min(text.find('"', from), text.size()));
}

class goland final : public ide {
public:
    or_reason<changes> write(const project_files& files, const ide_session& what) const override {
        const auto was = files.read(file_of(what.component));
        if (!was) return or_reason<changes>(boost::system::in_place_error, was.error());
        const bool changed = *was && is_ours(**was, what.component) && !as_written(**was, what.component);
        const auto remote = changed ? with_port(**was, what.port) : text_of(what.component, what.port);
        const auto of_others = [&](const std::string& name) { return changed && name == file_of(what.component); };
        return both(what.component, remote, script_of(files, what),
                    [&](const auto& name, const auto& text) { return of_others(name) ? or_reason<void>() : may_write_own_file(files, name, text); },
                    [&](const auto& name, const auto& text) {
                        if (!of_others(name)) return write_own_file(files, name, text);
                        const auto done = files.put(name, *was, text, true);
                        if (!done) return or_reason<changes>(boost::system::in_place_error, done.error());
                        return or_reason<changes>(changes{{name, *done}});
                    });
    }

    or_reason<changes> remove(const project_files& files, const std::string& component) const override {
        const auto there = files.read(file_of(component));
        if (!there) return or_reason<changes>(boost::system::in_place_error, there.error());
        const auto text = there->value_or("");
        const auto script = files.read(script_file_of(component));
        if (!script) return or_reason<changes>(boost::system::in_place_error, script.error());
        const std::optional<std::string> like = text_of(component, port_in(text), text != text_of(component, port_in(text), false));
        return both(component, like, script_like(script->value_or(""), component), [&](const auto& name, const auto& one) { return may_remove_own_file(files, name, one); },
                    [&](const auto& name, const auto& one) { return remove_own_file(files, name, one); }, true);
    }

    or_reason<std::vector<std::string>> written(const project_files& files) const override {
        std::vector<std::string> out;
        for (const auto& [component, port] : ports(files).ours) out.push_back(component);
        return out;
    }

    std::vector<std::pair<std::string, std::string>> texts(const project_files& files, const ide_session& what) const override {
        return {{file_of(what.component), text_of(what.component, what.port)}, {script_file_of(what.component), script_of(files, what)}};
    }
    std::string heading(const std::string& file) const override { return "<!-- " + file + " -->\n"; }

    std::string next(const ide_session& what) const override {
        return "choose \"delvegate: " + what.component + "\" in GoLand and press Debug";
    }

    ide_ports ports(const project_files& files) const override {
        ide_ports out;
        for (const auto& component : names_between(files, std::string(directory), "", suffix)) {
            const auto text = files.read(file_of(component));
            if (!text || !*text) continue;
            const auto port = port_in(**text);
            if (port != 0 && is_ours(**text, component))
                out.ours.emplace(component, port);
            else if (port != 0)
                out.others.insert(port);
        }
        return out;
    }

private:
    // Both files, or none of them.
    template <class Text, class May, class Do>
    static or_reason<changes> both(const std::string& component, const Text& remote, const Text& script, const May& may, const Do& change, bool last_first = false) {
        const auto wrong = [](const std::string& why) { return or_reason<changes>(boost::system::in_place_error, why); };
        if (const auto fine = may(file_of(component), remote); !fine) return wrong(fine.error());
        if (const auto fine = may(script_file_of(component), script); !fine) return wrong(fine.error());
        // The one that was first, for which the folder may have been made, goes last.
        auto done = last_first ? change(script_file_of(component), script) : change(file_of(component), remote);
        if (!done) return done;
        const auto more = last_first ? change(file_of(component), remote) : change(script_file_of(component), script);
        if (!more) return more;
        done->insert(done->end(), more->begin(), more->end());
        return done;
    }
};

}  // namespace

std::unique_ptr<ide> make_goland() { return std::make_unique<goland>(); }

}  // namespace gateway
