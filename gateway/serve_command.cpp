#include "gateway/serve_command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config_table.h"
#include "gateway/serve.h"
#include "gateway/output_option.h"
#include "launcher/exec_check.h"

namespace gateway {
namespace {

struct arguments {
    std::string config_file;
    std::string program;
    std::vector<std::string> program_arguments;
    std::string name;
    std::vector<std::string> users;
    std::vector<std::string> listen;
    std::string dlv;
    std::string source;
    std::string state_directory;
    std::string runtime_directory;
    bool run_on = false;
    bool print_default = false;
    bool print_reference = false;
    std::string output = "text";
};

std::string absolute(const std::string& path) {
    if (path.empty() || path.front() == '/') return path;
    std::string here;
    if (char* full = ::realpath(".", nullptr)) {
        here = full;
        std::free(full);
    }
    return here + "/" + path;
}

int complain(const std::string& text) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return static_cast<int>(serve_exit::usage);
}

// The configuration that `--exec` stands for.
launcher::outcome<config> config_of_program(const arguments& a) {
    config out;
    out.state_directory = exec_state_directory();
    out.runtime_directory = exec_runtime_directory();
    component_config one;
    one.exec.binary = absolute(a.program);
    if (auto fit = launcher::check_program(one.exec.binary); !fit) return fit.error();
    one.name = a.name.empty() ? component_name_of(a.program) : a.name;
    if (!is_dns_label(one.name))
        return "--name must be of lower-case letters, digits and inner hyphens; not \"" + one.name + "\"";
    one.exec.args = a.program_arguments;
    one.stop_on_entry = !a.run_on;
    one.users = a.users.empty() ? std::vector<std::string>{"admin"} : a.users;
    if (!a.dlv.empty()) one.exec.dlv = a.dlv.find('/') == std::string::npos ? a.dlv : absolute(a.dlv);
    one.sources = absolute(a.source);
    out.components.push_back(std::move(one));
    return out;
}

// Root's was the node's own once; laptops may have identities of the CA in there.
void tell_of_old_place(const std::string& now) {
    const std::string old = default_state_directory();
    const auto has_ca = [](const std::string& in) { return ::access((in + "/ca/ca.crt").c_str(), F_OK) == 0; };
    if (now == old || has_ca(now) || !has_ca(old)) return;
    std::fprintf(stderr, "delvegate: `serve --exec` has a CA and identities of its own in %s now; for laptops that have one from %s: --state-directory %s\n",
                 now.c_str(), old.c_str(), old.c_str());
}

int run(const arguments& a) {
    if (a.print_default) {
        const std::string text = default_config_text();
        say(a.output, text, protocol::json::object{{"yaml", text}});
        return 0;
    }
    if (a.print_reference) {
        const std::string text = config_reference();
        say(a.output, text, protocol::json::object{{"markdown", text}});
        return 0;
    }
    const bool exec = !a.program.empty();
    if (exec && !a.config_file.empty()) return complain("give --config or --exec, not both");
    if (!exec && (!a.name.empty() || !a.users.empty() || !a.dlv.empty() || !a.source.empty() || a.run_on || !a.program_arguments.empty()))
        return complain("--name, --user, --dlv, --source, --continue and arguments belong to --exec PROGRAM");

    std::string file = a.config_file;
    if (!exec && file.empty()) {
        file = default_config_file();
        if (::access(file.c_str(), F_OK) != 0)
            return complain("nothing to serve: there is no " + file +
                            "; give --config FILE, or --exec ./program to debug one program");
    }
    auto made = exec ? config_of_program(a) : read_config(file);
    if (!made) return complain(made.error());
    if (!a.state_directory.empty())
        made->state_directory = absolute(a.state_directory);
    else if (exec)
        tell_of_old_place(made->state_directory);
    if (!a.runtime_directory.empty())
        made->runtime_directory = absolute(a.runtime_directory);
    else if (exec && !a.state_directory.empty())
        made->runtime_directory = made->state_directory + "/run";
    if (!a.listen.empty()) {
        made->listen.clear();
        for (const auto& text : a.listen) {
            const auto where = parse_host_port(text);
            if (!where) return complain("--listen: " + where.error());
            made->listen.push_back(*where);
        }
    }
    return static_cast<int>(run_serve(std::move(*made), a.output));
}

constexpr const char* footer = R"(
With --exec there is no configuration: the gateway makes its own CA, certificate
and identities below the state directory, and prints what to type on the laptop.

Examples:
  delvegate serve --config /etc/delvegate/gateway.yaml
  delvegate serve --exec ./program -- --port 8080
  delvegate serve --print-default-config > gateway.yaml

SIGTERM or SIGINT drains (limits.drainTime, 10 s by default); a second one ends
at once. SIGHUP reads certificates, CAs, revocation lists and the policy again
(as does a change of the files) and starts the components whose dlv has ended.

Exit codes: 0 drained; 1 this host would not let it, or the drain was cut short;
2 command line or configuration.)";

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* serve = app.add_subcommand("serve", "Let people debug the programs of this host");
    serve->footer(footer);
    serve->add_option("--config", a->config_file,
                      "Configuration [/etc/delvegate/gateway.yaml, or ~/.config/delvegate/gateway.yaml]")
        ->type_name("FILE");
    serve->add_option("--exec", a->program, "Debug this Go program, without a configuration")->type_name("PROGRAM");
    serve->add_option("arguments", a->program_arguments, "Arguments of PROGRAM, behind --")->type_name("ARGUMENT");
    serve->add_option("--name", a->name, "What to call it [the program's file name]")->type_name("NAME");
    serve->add_option("--user", a->users, "Who may debug it; may be given again [admin]")
        ->type_name("NAME")
        ->allow_extra_args(false);
    serve->add_option("--dlv", a->dlv, "The dlv to use [dlv in PATH]")->type_name("FILE");
    serve->add_option("--source", a->source, "A checkout of its sources: the line where it stands is shown [none]")->type_name("DIR");
    serve->add_flag("--continue", a->run_on, "Let the program run at once, instead of waiting at its entry");
    serve->add_option("--listen", a->listen, "Where to listen, instead of the configuration's; may be given again")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false);
    serve->add_option("--state-directory", a->state_directory, "Instead of the configuration's")->type_name("DIR");
    serve->add_option("--runtime-directory", a->runtime_directory, "Instead of the configuration's")->type_name("DIR");
    serve->add_flag("--print-default-config", a->print_default, "Print every key with its default, as YAML, and end");
    serve->add_flag("--print-reference", a->print_reference, "Print the meaning of every key, as Markdown, and end");
    add_output_option(*serve, a->output, "text, or json: one line when ready, or of what is printed");
    serve->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
