#include "gateway/serve.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "auth/pinned_tls.h"
#include "auth/tls.h"
#include "gateway/audit_trail.h"
#include "gateway/authority.h"
#include "gateway/ca_signer.h"
#include "gateway/confinement.h"
#include "gateway/endpoints.h"
#include "gateway/enrollment.h"
#include "gateway/enrollment_server.h"
#include "gateway/introduction.h"
#include "gateway/log.h"
#include "gateway/kill_sessions.h"
#include "gateway/lifecycle_api.h"
#include "gateway/metrics.h"
#include "gateway/metrics_port.h"
#include "gateway/output_option.h"
#include "gateway/own_identities.h"
#include "gateway/permissions.h"
#include "gateway/serve_prepare.h"
#include "gateway/service_manager.h"
#include "gateway/session_api.h"
#include "gateway/signer_client.h"
#include "gateway/signer_revocations.h"
#include "gateway/state_directory.h"
#include "gateway/status_report.h"
#include "gateway/status_socket.h"
#include "gateway/tls_server.h"
#include "gateway/trust_files.h"

namespace gateway {
namespace {

using protocol::json;

constexpr std::chrono::seconds sign_time{5};
constexpr std::chrono::seconds goodbye_time{20};  // after drainTime: last bytes, the components' end, the audit's

serve_exit complain(const std::string& text, serve_exit code = serve_exit::failed) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

// A running gateway; its members die in the order that their references allow.
class gateway_process {
public:
    gateway_process(config& configuration, permissions& rights, const auth::tls_files& own)
        : configuration_(configuration),
          rights_(rights),
          signer_(io_, settings_of(configuration)),
          trust_(io_, identities_, configuration, own),
          components_(io_, configuration, rights, counts_.limit_reply),
          signals_(io_, SIGTERM, SIGINT),
          hangup_(io_, SIGHUP) {}

    // First of all: whoever holds the CA's key is another process before any socket of ours is open.
    launcher::outcome<void> start_signer() {
        if (auto started = signer_.start(); !started) return started;
        signer_.on_changed = [this] {
            log().info("the CA's records have changed");
            revoked_.ask();
        };
        return revoked_.load();
    }

    // `sockets`: listening ones that systemd has opened, which are the gateway's now.
    launcher::outcome<void> start(std::vector<int> sockets) {
        auto context = trust_.load();
        if (!context) return context.error();
        for (const auto& one : configuration_.components) parts_.names.push_back(one.name);
        parts_.api = [this](const auth::identity& who, std::string_view path) { return api(who, path); };
        parts_.lifecycle = [this](const caller& who, const http_request& request, api_stream to) {
            session_api::serves(request.path) ? session_.handle(who, request, std::move(to)) : lifecycle_.handle(who, request, std::move(to));
        };
        parts_.identities = &identities_;
        server_.emplace(parts_, std::move(*context));
        measured_.emplace(metrics_sources{parts_, *server_, components_, trust_.files(), identities_, since_});
        session_.show_certificate([this] { return server_->certificate_time(); });
        parts_.metrics = [this](const auth::identity& who) { return metrics_for(who, *measured_, rights_); };
        if (auto opened = status_.open(configuration_.runtime_directory); !opened) return opened;
        server_->inherit(std::move(sockets));
        if (auto listening = server_->listen(configuration_.listen); !listening) return listening;
        if (auto listening = metrics_.open(configuration_.metrics_listen); !listening) return listening;
        // Before there is another thread, which would keep all that is given up.
        if (auto confined = confine(); !confined) return confined;
        if (auto opened = open_audit(); !opened) return opened;
        recorded("the gateway " DELVEGATE_VERSION " starts");
        if (!rights_.file().empty())
            trust_.files().add("policy", {rights_.file()}, [this] { return rights_.reload(); });
        rights_.on_change([this] { recorded("the policy has changed"); });
        rights_.revoked = [this](const auth::identity& who) { return identities_.revoked_fault(who); };
        identities_.on_revocations = [this] { components_.clear_forbidden(); };
        trust_.follow([this](auth::ssl_ctx renewed) {
            recorded("certificates, CAs or revocation lists have changed");
            server_->use(std::move(renewed));
            if (enrolling_) enrolling_->use_new_files();
        });
        components_.remember_in(sessions_of(configuration_));
        components_.start();
        wait_for_signal();
        wait_for_hangup();
        return {};
    }

    // After start(): enrolment and renewal. `files` are the gateway's own.
    void issue_certificates(const auth::tls_files& files) {
        enrollment_.emplace(issuing_, counts_,
                            enrollment::hooks{[this] {
                                                  const auto all = server_->addresses();
                                                  return all.empty() ? std::uint16_t{0} : all.front().port();
                                              },
                                              [this](std::string_view old, X509* renewed) {
                                                  return identities_.rebind(old, renewed);
                                              },
                                              [this](std::string_view address, std::string_view what) {
                                                  if (audit_) audit_->administration(address, what);
                                              }});
        parts_.renew = [this](const auth::identity& who, const std::string& body, std::function<void(http_answer)> done) {
            enrollment_->renew(who, body, std::move(done));
        };
        const std::string ca = configuration_.state_directory + "/ca/ca.crt";
        enrolling_.emplace(io_, configuration_.bounds, counts_, *enrollment_, issuing_,
                           enrollment_server::settings{enroll_addresses(configuration_),
                                                       [files, ca] { return auth::make_enrollment_context(files, ca); }});
        enrolling_->start();
    }

    serve_exit run(const std::string& where) {
        manager_.ready("listening on " + where);
        io_.run();
        server_.reset();
        if (closing_.joinable()) closing_.join();
        return code_;
    }

    std::vector<host_port> addresses() const {
        std::vector<host_port> out;
        for (const auto& one : server_->addresses()) out.push_back({one.address().to_string(), one.port()});
        return out;
    }

private:
    launcher::outcome<void> confine() {
        const auto done = confine_as_configured(configuration_, signer_.pid());
        if (!done) return done.error();
        confined_ = *done;
        if (!confined_.calls) return {};
        // It keeps the list of who is out: without it, and without being able to start it, the gateway does not go on.
        signer_.on_gone = [this] {
            log().error("the signer cannot be started again from a confined gateway: ending, to be started anew");
            code_ = serve_exit::failed;
            if (!parts_.draining) drain();
        };
        return {};
    }

    launcher::outcome<void> open_audit() {
        if (configuration_.audit.off()) {
            log().warn("auditFile is off: what people do in debug sessions is not recorded");
            return {};
        }
        auto trail = audit_trail::open(io_, configuration_.audit, configuration_.state_directory,
                                       [this](std::string_view bytes) { return sign_anchor(bytes); });
        if (!trail) return trail.error();
        audit_ = std::move(*trail);
        parts_.audit = audit_.get();
        components_.record_in(*audit_);
        lifecycle_.record_in(*audit_);
        session_.record_in(*audit_);
        return {};
    }

    void recorded(std::string_view what) {
        if (audit_) audit_->reloaded(what);
    }

    // On a thread of the audit's: the key is the signer's, and the signer is spoken to by the loop.
    auth::outcome<std::string> sign_anchor(std::string_view bytes) {
        using result = auth::outcome<std::string>;
        const auto promised = std::make_shared<std::promise<result>>();
        auto answer = promised->get_future();
        boost::asio::post(io_, [this, promised, text = std::string(bytes)] {
            signer_.sign_anchor(text, [promised](const auto& signed_head) {
                promised->set_value(signed_head ? result(boost::system::in_place_value, signed_head->bytes)
                                                : result(boost::system::in_place_error, signed_head.error().reason));
            });
        });
        if (answer.wait_for(sign_time) != std::future_status::ready)
            return result(boost::system::in_place_error, "the signer did not sign the audit's head in time");
        return answer.get();
    }

    // The last records and the last head, which the signer signs while the loop still runs.
    void close_audit() {
        if (closing_.joinable()) return;
        closing_ = std::thread([this] {
            if (audit_) audit_->close();
            boost::asio::post(io_, [this] { io_.stop(); });
        });
    }

    static signer_settings settings_of(const config& configuration) {
        signer_settings out;
        out.state_directory = configuration.state_directory;
        out.terms.certificate_ttl = std::chrono::duration_cast<std::chrono::seconds>(configuration.certificate_ttl);
        out.terms.renew_window = std::chrono::duration_cast<std::chrono::seconds>(configuration.renew_window);
        if (configuration.certificate.empty()) out.hosts = gateway_hosts(configuration.components, configuration.listen);
        return out;
    }

    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& ec, int number) {
            if (ec) return;
            if (parts_.draining) {
                log().warn("a second signal: ending at once");
                code_ = serve_exit::failed;
                return io_.stop();
            }
            log().info("signal {}: draining, {} connections, at most {}", number, server_->connections(),
                       format_duration(parts_.bounds.drain_time));
            service_manager::stopping(parts_.bounds.drain_time + goodbye_time);
            drain();
            wait_for_signal();
        });
    }

    void drain() {
        metrics_.close();
        if (enrolling_) enrolling_->stop();
        components_.begin_to_end();
        server_->drain([this] {
            components_.stop([this] {
                log().info("drained");
                lifecycle_.close();
                session_.close();
                close_audit();
            });
        });
    }

    void wait_for_hangup() {
        hangup_.async_wait([this](const boost::system::error_code& ec, int) {
            if (ec) return;
            log().info("SIGHUP: reading certificates, lists and the policy again, starting the components whose "
                       "dlv is not there");
            trust_.files().reload_all();
            if (!parts_.draining) components_.start_again();
            wait_for_hangup();
        });
    }

    http_answer report(std::string_view path) const {
        if (session_api::serves(path)) return session_.on_node(path, {});
        if (path != "/v1/status") return {404, http_error("there are /v1/status, /v1/sessions and /v1/components/NAME/baton, /park and /pin")};
        json body = status_report(parts_, *server_, since_, components_.status());
        body.set("confinement", confined_.describe());
        body.set("trust", trust_.describe());
        body.set("audit", audit_ ? audit_->status() : json(json::object{{"file", "off"}}));
        const auto listed = [](const auto& addresses) {
            json::array listen;
            for (const auto& one : addresses) listen.emplace_back(to_string(host_port{one.address().to_string(), one.port()}));
            return listen;
        };
        if (const auto ports = metrics_.addresses(); !ports.empty()) body.set("metrics", json::object{{"listen", listed(ports)}});
        if (enrolling_)
            body.set("enrollment",
                     json::object{{"liveTokens", std::uint64_t{enrolling_->live()}}, {"listen", listed(enrolling_->addresses())}});
        if (!rights_.file().empty()) {
            json policy = json::object{{"file", rights_.file()}};
            if (!rights_.error().empty()) policy.set("error", rights_.error());
            body.set("policy", std::move(policy));
        }
        return {200, protocol::to_text(body)};
    }

    http_answer act(std::string_view path, std::string_view body) {
        if (session_api::serves(path)) return session_.on_node(path, body);
        if (path != "/v1/sessions/kill") return {404, http_error("there are /v1/sessions/kill and /v1/components/NAME/baton, /park, /unpark, /pin and /unpin")};
        auto answer = kill_sessions(body, components_, identities_);
        if (audit_ && answer.status == 200) audit_->administration({}, "sessions kill " + std::string(body) + ": " + answer.body);
        return answer;
    }

    std::string api(const auth::identity& who, std::string_view path) const {
        json body;
        if (path == "/v1/status") {
            body.set("version", DELVEGATE_VERSION);
            body.set("components", components_.status(who));
            return protocol::to_text(body);
        }
        if (path != "/v1/components") return {};
        body.set("components", components_.listed(who));
        return protocol::to_text(body);
    }

    config& configuration_;
    permissions& rights_;
    boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // one thread: no locks around sockets
    signer_client signer_;
    counters counts_;
    client_authority identities_{io_};
    signer_revocations revoked_{io_, signer_, identities_};
    trust_files trust_;
    std::unique_ptr<audit_trail> audit_;
    endpoints components_;
    lifecycle_api lifecycle_{io_, components_, rights_, [this](const auth::identity& who) { return identities_.fault(who); }};
    mutable session_api session_{io_, components_, rights_, configuration_.bounds, counts_.limit_followers};
    gateway_parts parts_{io_, components_, configuration_.bounds, counts_, {}, {}, false, nullptr};
    std::optional<tls_server> server_;
    std::optional<metrics_sources> measured_;
    metrics_port metrics_{io_, [this] { return all_metrics(*measured_); }};
    ca_signer issuing_{signer_};
    std::optional<enrollment> enrollment_;
    std::optional<enrollment_server> enrolling_;
    status_socket status_{io_, [this](std::string_view path) { return report(path); },
                          [this](std::string_view path, std::string_view body) { return act(path, body); }};
    boost::asio::signal_set signals_, hangup_;
    service_manager manager_{io_};
    confined confined_;
    std::thread closing_;  // writes the audit's end
    const std::chrono::system_clock::time_point since_ = std::chrono::system_clock::now();
    serve_exit code_ = serve_exit::ok;
};

}  // namespace

serve_exit run_serve(config configuration, const std::string& output) {
    set_up_log(configuration.log_level, configuration.log_format);
    prepare_process();
    auto sockets = service_manager::sockets();
    if (!sockets) return complain(sockets.error());
    if (auto prepared = prepare_directories(configuration); !prepared) return complain(prepared.error());
    const auto lock = state_lock::take(configuration.state_directory);
    if (!lock) return complain(lock.error());

    if (configuration.confine == confine_mode::on)
        for (const auto& why : {hindrance_to_confinement(configuration), hole_in_confinement(configuration)})
            if (!why.empty()) return complain("confine: on, but " + why, serve_exit::usage);

    permissions rights(configuration.policy, configuration.components);
    if (const auto read = rights.reload(); !read) return complain(read.error(), serve_exit::usage);

    own_identities own;
    auth::tls_files files;
    files.certificate = configuration.certificate;
    files.key = configuration.key;
    files.ca = configuration.client_ca;
    if (files.certificate.empty()) {
        auto made = make_own_identities(configuration.state_directory, configuration.components, configuration.listen);
        if (!made) return complain(made.error());
        own = std::move(*made);
        files.certificate = own.certificate;
        files.key = own.key;
        files.ca = own.ca;
        for (const auto& user : own.revoked)
            log().warn("the user {} is revoked and gets no identity; see: delvegate ca unrevoke-user", user);
    }
    for (const auto& one : configuration.components)
        if (!own.ca.empty() && one.how == component_config::kind::exec && one.exec.user.empty())
            log().warn("component {} runs as the gateway's own user: whoever may change it can read the CA's key (docs/security.md); "
                       "give it a `user`", one.name);
    for (const auto& one : configuration.components)
        if (configuration.policy.empty() && one.users.empty() && one.groups.empty())
            log().warn("component {}: neither users nor groups are listed, so nobody is admitted", one.name);

    gateway_process process(configuration, rights, files);
    if (auto started = process.start_signer(); !started) return complain(started.error());
    if (auto started = process.start(std::move(*sockets)); !started) return complain(started.error());
    process.issue_certificates(files);
    const auto listening = process.addresses();
    std::string where;
    for (const auto& one : listening) where += (where.empty() ? "" : ", ") + to_string(one);
    if (output == "json") {
        json::array addresses, people;
        for (const auto& one : listening) addresses.push_back(to_string(one));
        for (const auto& one : own.people) people.push_back(one);
        say(output, {}, json::object{{"event", "ready"}, {"version", DELVEGATE_VERSION}, {"listen", std::move(addresses)}, {"identities", std::move(people)}});
    } else {
        std::printf("delvegate " DELVEGATE_VERSION " listening on %s\n", where.c_str());
        print_introduction(configuration, own, listening);
    }
    std::fflush(stdout);
    return process.run(where);
}

}  // namespace gateway
