#include "gateway/signer_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "auth/signer.h"
#include "gateway/own_identities.h"

namespace gateway {
namespace {

struct arguments {
    int fd = 3;
    std::string state_directory;
    std::int64_t certificate_ttl = 0;  // seconds
    std::int64_t renew_window = 0;
    std::vector<std::string> hosts;
    std::vector<std::string> people;
    std::string name;
    bool prepare = false;
};

// Makes what the gateway needs to start, says how that went in one packet, and ends.
int prepare(const arguments& a) {
    ::umask(077);
    const auto made = prepare_own_identities(a.state_directory, a.name, a.hosts, a.people);
    std::string word = made ? "ok" : made.error();
    if (made)
        for (const auto& user : *made) word += "\n" + user;
    return ::write(a.fd, word.data(), word.size()) == static_cast<ssize_t>(word.size()) && made ? 0 : 1;
}

int run(const arguments& a) {
    struct stat info {};
    if (::fstat(a.fd, &info) != 0 || !S_ISSOCK(info.st_mode)) {
        std::fputs("delvegate: signer is started by `delvegate serve`, not by hand\n", stderr);
        return 2;
    }
    if (a.prepare) return prepare(a);
    auth::signer_options options;
    options.directory = a.state_directory + "/ca";
    options.hosts = a.hosts;
    if (a.certificate_ttl > 0) options.terms.certificate_ttl = std::chrono::seconds(a.certificate_ttl);
    if (a.renew_window > 0) options.terms.renew_window = std::chrono::seconds(a.renew_window);
    return auth::run_signer(a.fd, options);
}

}  // namespace

void add_signer_command(CLI::App& app) {
    const auto a = std::make_shared<arguments>();
    auto* signer = app.add_subcommand("signer", "The process that holds the CA's key; started by serve");
    signer->group("");  // not in the help
    signer->add_option("--fd", a->fd);
    signer->add_option("--state-directory", a->state_directory)->required();
    signer->add_option("--certificate-ttl", a->certificate_ttl);
    signer->add_option("--renew-window", a->renew_window);
    signer->add_option("--host", a->hosts)->allow_extra_args(false);
    signer->add_option("--person", a->people)->allow_extra_args(false);
    signer->add_option("--name", a->name);
    signer->add_flag("--prepare", a->prepare);
    signer->callback([a] {
        const int code = run(*a);
        std::fflush(nullptr);
        // Not through exit handlers: the process may not be what they expect any more.
        ::_exit(code);
    });
}

}  // namespace gateway
