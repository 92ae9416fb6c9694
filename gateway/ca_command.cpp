#include "gateway/ca_command.h"

#include <memory>
#include <string>

#include "gateway/ca_files.h"
#include "gateway/ca_work.h"
#include "gateway/config.h"
#include "gateway/output_option.h"

namespace gateway {
namespace {

const std::string exit_codes = "\nExit codes: 0 done; 1 it failed, and nothing was changed; 2 command line.";

CLI::App* add(CLI::App& ca, const std::shared_ptr<ca_arguments>& a, int& exit_code, const char* name,
              const char* sentence, const char* example, int (*work)(const ca_arguments&)) {
    auto* command = ca.add_subcommand(name, sentence);
    command->footer(std::string("\nExample:\n  delvegate ca ") + example + "\n" + exit_codes);
    command->add_option("--state-directory", a->state_directory, state_option)->type_name("DIR");
    add_output_option(*command, a->output);
    command->callback([a, work, &exit_code] {
        auto state = state_by(a->state_directory);
        if (!state) return void(exit_code = complain_as(state.error(), 1));
        a->state = std::move(*state);
        exit_code = work(*a);
    });
    return command;
}

}  // namespace

void add_ca_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<ca_arguments>();
    auto* ca = app.add_subcommand("ca", "Issue, list and revoke certificates on this node");
    ca->require_subcommand(1);
    ca->footer("\nExample:\n  delvegate ca issue --user alice --group sig-scheduling --ttl 24h\n\n"
               "Run it as the user who owns the state directory." +
               exit_codes);

    auto* init = add(*ca, a, exit_code, "init", "Make the CA, or take over the one that `serve` made", "init --name \"node1 debugging\"",
                     ca_init);
    init->add_option("--name", a->name, "The CA's name [delvegate and the host's name]")->type_name("TEXT");
    init->add_option("--ttl", a->ttl, "How long it lives [3650d]")->type_name("TIME");
    init->add_option("--key-type", a->key_type, "ecdsa (P-256) or ed25519")
        ->type_name("KIND")
        ->check(CLI::IsMember({"ecdsa", "ed25519"}))
        ->capture_default_str();

    auto* issue = add(*ca, a, exit_code, "issue", "Make a key and a certificate for a person, in a new directory",
                      "issue --user alice --group sig-scheduling --ttl 24h --out alice", ca_issue);
    issue->add_option("--user", a->user, "Who it is for (CN)")->type_name("NAME")->required();
    issue->add_option("--group", a->groups, "A group (O); may be given again")
        ->type_name("NAME")
        ->allow_extra_args(false);
    issue->add_option("--ttl", a->ttl, "How long it lives [24h]")->type_name("TIME");
    issue->add_option("--out", a->out, "Where to [./delvegate-identity-USER]")->type_name("DIR");
    issue->add_flag("--renewable", a->renewable, "Let `connect` renew it, as after enrolment");

    add(*ca, a, exit_code, "list", "Show the certificates that were issued", "list --output json", ca_list);

    auto* revoke = add(*ca, a, exit_code, "revoke", "End a certificate, or everything of a user, at once",
                       "revoke --user alice --reason \"left the team\"", ca_revoke);
    auto* which = revoke->add_option_group("which", "One of:");
    which->add_option("--user", a->user, "All of the user's certificates and tokens, and those to come")->type_name("NAME");
    which->add_option("--serial", a->serial, "One certificate, as `ca list` shows it")->type_name("HEX");
    which->add_option("--fingerprint", a->fingerprint, "One certificate, by its SHA-256")->type_name("HEX");
    which->require_option(1);
    revoke->add_option("--reason", a->reason, "For `ca list` and, as an RFC 5280 name (keyCompromise), the CRL")
        ->type_name("TEXT");

    auto* unrevoke = add(*ca, a, exit_code, "unrevoke-user",
                         "Let a revoked user have new certificates; the old ones stay revoked",
                         "unrevoke-user alice", ca_unrevoke_user);
    unrevoke->add_option("user", a->user, "Who")->type_name("NAME")->required();

    auto* crl = add(*ca, a, exit_code, "crl", "Write a signed revocation list for other programs",
                    "crl --out delvegate.crl", ca_crl);
    crl->add_option("--out", a->out, "Where to [standard output]")->type_name("FILE");
    crl->add_option("--ttl", a->ttl, "When the next one is due [7d]")->type_name("TIME");
}

}  // namespace gateway
