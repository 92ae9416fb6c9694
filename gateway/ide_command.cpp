#include "gateway/ide_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/call_gateway.h"
#include "gateway/config.h"
#include "gateway/host_calls.h"
#include "gateway/ide.h"
#include "gateway/laptop_place.h"
#include "gateway/local_checkout.h"
#include "gateway/project_ports.h"
#include "protocol/json.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using protocol::json;

constexpr int failed = 1, usage = 2;
constexpr std::uint16_t first_port = 2345;

struct arguments {
    laptop_place place;
    std::string component, source, folder;
    std::vector<std::string> map;
    std::uint16_t port = 0;
    bool print = false, remove = false;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

std::string whole_name(const std::string& directory) {
    std::error_code ec;
    const auto path = fs::absolute(directory, ec).lexically_normal();
    return (path.has_filename() ? path : path.parent_path()).string();
}

// By its name, where that finds this very program; an IDE that was started from a desktop may have another PATH.
std::string own_program() {
    const fs::path self = own_executable();
    const char* path = std::getenv("PATH");
    const std::string all = path ? path : "";
    for (std::size_t at = 0; !self.empty() && at <= all.size();) {
        const auto end = std::min(all.find(':', at), all.size());
        std::error_code none;
        const auto found = fs::canonical(fs::path(all.substr(at, end - at)) / "delvegate", none);
        if (!none) return found == self ? "delvegate" : self.string();
        at = end + 1;
    }
    return self.empty() ? "delvegate" : self.string();
}

bool has_modules(const fs::path& directory) {
    std::error_code ec;
    return fs::exists(directory / "go.mod", ec) || fs::exists(directory / "go.work", ec);
}

// The names of those the gateway shows to us.
int ask_components(const arguments& a, std::vector<std::string>& into) {
    https_question question;
    question.path = "/v1/components";
    question.method = "GET";
    const auto reply = call_gateway(a.place, std::move(question));
    if (!reply) return complain(reply.error().text, reply.error().code == "unreachable" ? failed : usage);
    const auto said = protocol::parse_json(reply->body, {.fold_keys = false});
    if (!said) return complain("the gateway's answer is not JSON; is it another version?", failed);
    if (reply->status != 200) return complain(std::string(said->get_string("error", "the gateway refused")), failed);
    if (const auto* all = said->find("components"); all && all->if_array())
        for (const auto& one : *all->if_array())
            if (const auto name = one.get_string("name"); is_dns_label(name)) into.emplace_back(name);
    if (into.empty()) return complain("the gateway has no component that you may see; name the one you mean", failed);
    return 0;
}

// The ports of a project's components: one that has its port keeps it, in whichever IDE; the others get the next free ones.
class port_choice {
public:
    port_choice(const project_files& files, const ide& mine, const project_ports& elsewhere) {
        ports_.others = elsewhere.of_others(files.folder());
        take(mine.ports(files));
        for (const auto& other : {make_vscode(), make_goland()}) take(other->ports(files));
    }
    std::uint16_t of(const std::string& component) {
        if (const auto known = ports_.ours.find(component); known != ports_.ours.end()) return known->second;
        std::uint16_t port = first_port;
        while (taken(port) && port < 0xFFFF) ++port;
        ports_.ours.emplace(component, port);
        return port;
    }

private:
    void take(const ide_ports& more) {
        ports_.ours.insert(more.ours.begin(), more.ours.end());
        ports_.others.insert(more.others.begin(), more.others.end());
    }
    bool taken(std::uint16_t port) const {
        for (const auto& [component, one] : ports_.ours)
            if (one == port) return true;
        return ports_.others.contains(port);
    }
    ide_ports ports_;
};

const char* word_for(file_change change) {
    switch (change) {
        case file_change::written: return "written";
        case file_change::deleted: return "deleted";
        case file_change::none: break;
    }
    return "unchanged";
}

int report(const arguments& a, const project_files& files, const ide::changes& done, const std::vector<std::string>& next) {
    // A file of several components is told once.
    std::vector<std::pair<std::string, file_change>> told;
    for (const auto& [file, change] : done) {
        const auto known = std::find_if(told.begin(), told.end(), [&, name = file](const auto& one) { return one.first == name; });
        if (known == told.end())
            told.emplace_back(file, change);
        else if (change != file_change::none)
            known->second = change;
    }
    json::array list;
    for (const auto& [file, change] : told) {
        list.push_back(json::object{{"file", files.folder() + "/" + file}, {"change", word_for(change)}});
        if (a.output == "text") std::printf("%s: %s\n", protocol::printable(files.folder() + "/" + file).c_str(), word_for(change));
    }
    if (a.output == "json") {
        std::printf("%s\n", protocol::to_text(json::object{{"files", std::move(list)}}).c_str());
        return 0;
    }
    if (told.empty()) std::printf("there is nothing of delvegate's in %s\n", protocol::printable(files.folder()).c_str());
    for (const auto& line : next) std::printf("%s\n", protocol::printable(line).c_str());
    return 0;
}

int take_out(const arguments& a, const ide& kind, const project_files& files) {
    std::vector<std::string> components{a.component};
    if (a.component.empty()) {
        auto all = kind.written(files);
        if (!all) return complain(all.error(), failed);
        components = std::move(*all);
    }
    ide::changes done;
    for (const auto& component : components) {
        const auto some = kind.remove(files, component);
        if (!some) return complain(some.error(), failed);
        done.insert(done.end(), some->begin(), some->end());
        project_ports(default_laptop_directory() + "/ide/ports").leave(files.folder(), component);
    }
    return report(a, files, done, {});
}

// Whether any gateway is meant: by the command line, or by what this user has enrolled for.
bool knows_gateway(const laptop_place& place) { return place.given() || context_store().current(); }

// What is wrong with what is said of gateway and certificate, whether they are there or not.
std::string refusal_of_connect(laptop_place place) {
    if (!knows_gateway(place)) place.gateway = "localhost";
    const auto found = place.find();
    if (found) return {};
    return found.error().text;
}

// What `connect` would lack if the IDE started it now; empty: nothing. Who is given the project may have it.
std::string still_missing(const laptop_place& place) {
    if (!knows_gateway(place)) return "no gateway is known here: enrol with `delvegate enroll`, or write this again with --gateway HOST --identity DIR";
    const auto found = place.find();
    if (!found) return found.error().text;
    std::vector<std::string> files{found->files.ca};
    if (found->files.certificate_pem.empty()) files.push_back(found->files.certificate);
    if (found->files.key_pem.empty()) files.push_back(found->files.key);
    for (const auto& file : files)
        if (std::error_code ec; !fs::exists(file, ec)) return "there is no " + file + ": copy the identity there, or enrol with `delvegate enroll`";
    return {};
}

int run(const arguments& a, const ide& kind) {
    if (!a.component.empty() && !is_dns_label(a.component))
        return complain("\"" + a.component + "\" is no component's name: lower-case letters, digits and inner hyphens", usage);
    const auto folder = whole_name(!a.folder.empty() ? a.folder : a.source.empty() ? "." : a.source);
    std::error_code ec;
    if (!fs::is_directory(folder, ec)) return complain(folder + " is not a directory", usage);
    const project_files files(folder, default_laptop_directory() + "/ide");
    if (a.remove) return take_out(a, kind, files);

    ide_session what;
    what.program = own_program();
    what.connect = a.place.words();
    if (!a.source.empty()) {
        if (const auto checkout = read_checkout(a.source); !checkout) return complain(checkout.error(), usage);
        what.source = whole_name(a.source);
    } else if (has_modules(folder)) {
        what.source = folder;
    }
    for (const auto& text : a.map) {
        auto rule = read_path_rule(text);
        if (!rule) return complain(rule.error(), usage);
        what.rules.push_back(std::move(*rule));
    }
    if (const auto fault = protocol::fault_in_paths({what.rules, {}}); !fault.empty()) return complain("--map: " + fault, usage);
    std::vector<std::string> components{a.component};
    if (a.component.empty()) {
        components.clear();
        if (a.port != 0) return complain("--port is one component's; name it", usage);
        if (const int code = ask_components(a, components); code != 0) return code;
    }

    if (const auto fault = refusal_of_connect(a.place); !fault.empty()) return complain(fault, usage);

    std::vector<std::string> next;
    if (const auto missing = still_missing(a.place); !missing.empty()) next.push_back("first: " + missing);
    project_ports elsewhere(default_laptop_directory() + "/ide/ports");
    port_choice ports(files, kind, elsewhere);
    ide::changes done;
    json::array printed;
    for (const auto& component : components) {
        what.component = component;
        what.port = a.port != 0 ? a.port : ports.of(component);
        if (a.print) {
            for (const auto& [file, text] : kind.texts(files, what)) {
                if (a.output == "json")
                    printed.push_back(json::object{{"file", files.folder() + "/" + file}, {"text", text}});
                else
                    std::printf("%s%s", kind.heading(file).c_str(), text.c_str());
            }
            continue;
        }
        const auto some = kind.write(files, what);
        if (!some) return complain(some.error(), failed);
        done.insert(done.end(), some->begin(), some->end());
        next.push_back(kind.next(what));
        if (what.port != 0) elsewhere.take(files.folder(), component, what.port);
    }
    if (a.print && a.output == "json") std::printf("%s\n", protocol::to_text(json::object{{"files", std::move(printed)}}).c_str());
    return a.print ? 0 : report(a, files, done, next);
}

constexpr const char* footer = R"(
Writes into the folder that the IDE opens, for COMPONENT or for all that the
gateway shows: .vscode/launch.json and tasks.json, .run/COMPONENT.run.xml and
COMPONENT.connect.run.xml, or .nvim/delvegate-COMPONENT.lua. Comments, order and all else in a file stay; what
is not understood is left alone. --remove takes out what was written, and leaves
a file that nobody else has changed since as it was, byte for byte.

Where there is a go.mod or go.work, `connect` is started with --source, and the
gateway finds the program's paths by itself (docs/paths.md). The options about
gateway and certificate go into what is written, if they are given.

Examples:
  delvegate ide vscode web
  delvegate ide goland --source ~/src/web
  delvegate ide neovim web --map ~/src/web=/build/web --print
  delvegate ide vscode --remove

Exit codes: 0 done; 1 not, and why; 2 command line, configuration or certificate.)";

void add_options(CLI::App& command, const std::shared_ptr<arguments>& a) {
    command.footer(footer);
    command.add_option("COMPONENT", a->component,
                       "What to debug; without it, all that the gateway shows (with --remove: all that were written)");
    command.add_option("--folder", a->folder, "The folder that the IDE opens [that of --source, else this one]")->type_name("DIR");
    command.add_option("--source", a->source, "The checkout of the program's sources [the folder, where it has a go.mod or go.work]")
        ->type_name("DIR");
    command.add_option("--map", a->map, "Where a directory of this host was when the program was built (repeatable)")
        ->type_name("LOCAL=REMOTE")
        ->allow_extra_args(false);
    auto* print = command.add_flag("--print", a->print, "Print what would be written, and write nothing");
    command.add_flag("--remove", a->remove, "Take out again what was written")->excludes(print);
    command.add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    a->place.add_options(command);
}

}  // namespace

void add_ide_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand("ide", "Make an IDE debug a component by F5");
    command->require_subcommand(1);
    command->footer(footer);
    struct form {
        const char* name;
        const char* what;
        std::unique_ptr<ide> (*make)();
        bool port;
    };
    for (const auto& one : std::array{form{"vscode", "VS Code: a launch configuration, and a task that starts connect", make_vscode, true},
                                      form{"goland", "GoLand: a run configuration, Go Remote, and one before it that starts connect", make_goland, true},
                                      form{"neovim", "Neovim: a Lua file for nvim-dap, which starts connect", make_neovim, false}}) {
        const auto a = std::make_shared<arguments>();
        auto* kind = command->add_subcommand(one.name, one.what);
        add_options(*kind, a);
        if (one.port)
            kind->add_option("--port", a->port, "On 127.0.0.1 [what it has already, else the first free one from 2345 on]")
                ->type_name("PORT")
                ->check(CLI::Range(1, 65535));
        kind->callback([a, make = one.make, &exit_code] { exit_code = run(*a, *make()); });
    }
}

}  // namespace gateway
