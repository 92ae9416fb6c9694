#include "gateway/connect.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/certificate_renewal.h"
#include "gateway/config.h"
#include "gateway/hints.h"
#include "gateway/host_calls.h"
#include "gateway/laptop_link.h"
#include "gateway/laptop_session.h"
#include "gateway/local_port.h"
#include "protocol/json.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds list_time{10'000};
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::milliseconds farewell_time{1'000};
constexpr int accepts_per_turn = 64;

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void say(std::string_view line) {
    const auto text = "delvegate: " + protocol::printable(line) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
}

// Hundreds of IDE connections may be carried; the usual soft limit is 1024 descriptors.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

connect_exit exit_of(trouble kind) {
    return kind == trouble::certificate || kind == trouble::expelled ? connect_exit::certificate
                                                                     : connect_exit::unreachable;
}

class connector final : link_watcher, public session_owner {
public:
    explicit connector(const connect_options& options)
        : options_(options),
          gateway_(host_and_port(options.host, options.port)),
          link_(io_, {options.host, options.port, options.server_name, options.via, options.files, options.paths}, *this),
          acceptor_(io_),
          signals_(io_, SIGINT, SIGTERM),
          timer_(io_),
          idle_(io_),
          asked_(io_) {
        if (!options.context.empty() && !options.component.empty())
            renewal_.emplace(io_, certificate_renewal::settings{options.context, options.host, options.port, options.server_name, options.via},
                             [](const std::string& line) { say(line); });
    }

    connect_exit run() {
        if (!options_.component.empty()) {
            if (const auto bad = open_port()) return *bad;
        }
        signals_.async_wait([this](auto ec, int) {
            if (!ec) stop(connect_exit::ok);
        });
        link_.start();
        io_.run();
        return exit_;
    }

private:
    // Asks whether a component can be opened, without taking anybody's place there for longer than that: the refusal of
    // a component that is not on the list, or not available, is provoked, or what is to be said of a stop.
    class probe final : public stream_caller {
    public:
        explicit probe(connector& owner) : owner_(owner) {}
        void opened(link_stream& stream) override { stream_ = &stream; }
        void decided(const verdict& said) override {
            if (said.accepted) stream_->finish();
            owner_.judged(said);
        }
        void failed(std::string_view reason) override {
            owner_.fail(connect_exit::unreachable, std::string(reason));
        }

    private:
        connector& owner_;
        link_stream* stream_ = nullptr;
    };

    std::optional<connect_exit> open_port() {
        const auto where = parse_listen_address(options_.listen);
        if (!where) return say(where.error()), connect_exit::usage;
        if (!is_loopback(where->address()) && !options_.any_interface) {
            say("--listen " + options_.listen + " would let other hosts debug " + options_.component +
                " under your name; use a loopback address, or add "
                "--dangerously-let-other-hosts-debug");
            return connect_exit::usage;
        }
        auto port = open_local_port(io_.get_executor(), *where);
        if (!port) return say(port.error()), connect_exit::failed;
        acceptor_ = std::move(*port);
        listening_ = acceptor_.local_endpoint();
        return std::nullopt;
    }

    // --- the link ---

    void link_up() override {
        if (ready_) {
            if (std::exchange(told_down_, {}).size() > 0 && !options_.quiet)
                say("the link to " + gateway_ + " is back");
            return;
        }
        timer_.expires_after(list_time);
        timer_.async_wait([this](auto ec) {
            if (!ec) fail(connect_exit::unreachable, gateway_ + " does not answer");
        });
        link_.list();
    }

    void link_down(const link_problem& why) override {
        if (!ready_) return fail(exit_of(why.kind), why.line);
        // Said once for each reason, however often it is tried.
        if (why.line == told_down_) return;
        told_down_ = why.line;
        const auto held = link_.held();
        if (why.kind == trouble::expelled || (why.kind == trouble::certificate && held == 0))
            return say(why.line + "; trying again when there is a new certificate, when an IDE connects, or in a minute");
        if (held == 0) return say(why.line + "; trying again");
        say(why.line + "; trying again, for at most " + format_duration(link_.held_for()) + " while " +
            std::to_string(held) + (held == 1 ? " debug connection waits" : " debug connections wait"));
    }

    void listed(const std::vector<component_summary>& components) override {
        if (ready_ || stopping_) return;
        timer_.cancel();
        if (options_.component.empty()) {
            print(options_.json ? component_line(components) : component_table(components, gateway_));
            return stop(connect_exit::ok);
        }
        const auto at = std::find_if(components.begin(), components.end(),
                                     [&](const auto& c) { return c.name == options_.component; });
        // What is in no session now is asked for, so that the gateway says why, and what to do.
        const auto in_session = [](std::string_view state) {
            return state == "running" || state == "stopped" || state == "starting" || state == "exited";
        };
        if (at == components.end() || !in_session(at->state))
            return link_.open(options_.component, std::make_shared<probe>(*this));
        if (!options_.stop.empty()) {
            found_ = *at;
            return link_.open(options_.component, std::make_shared<probe>(*this), options_.stop);
        }
        ready(at->state, at->detail);
    }

    // Said once, though every IDE connection hears it.
    void noticed(std::string_view line) override {
        constexpr std::size_t most = 32;
        if (stopping_ || told_.size() == most || !told_.emplace(line).second) return;
        say("warning: " + std::string(line));
    }

    void judged(const verdict& said) {
        if (ready_ || stopping_) return;
        if (said.accepted) {
            if (!options_.stop.empty()) say(said.stop.empty() ? "this gateway knows no names of stops; is it an older one?" : said.stop);
            return found_ ? ready(found_->state, found_->detail) : ready("running", {});
        }
        auto line = said.reason;
        auto code = connect_exit::unavailable;
        if (said.code == "not-authorized") code = connect_exit::not_authorized;
        if (said.code == "no-such-component") {
            code = connect_exit::no_component;
            // The gateway's sentence may name them already.
            const bool named = std::all_of(said.components.begin(), said.components.end(),
                                           [&](const auto& n) { return line.find(n) != line.npos; });
            if (!named) line += "; you may debug " + names_of(said.components);
        }
        fail(code, line);
    }

    void ready(std::string_view state, std::string_view detail) {
        ready_ = true;
        if (renewal_) renewal_->start();
        if (options_.background) {
            if (!ready_in_background(state)) return;
        } else if (options_.json) {
            print(ready_line(options_.component, state, listening_, gateway_));
        } else if (!options_.quiet) {
            // The task in VS Code waits for the beginnings of these lines (gateway/ide_vscode.cpp).
            print(options_.component + " on " + gateway_ + " is " + std::string(state) +
                  (detail.empty() ? "" : ": " + std::string(detail)) + "\n" + "ready on " +
                  to_text(address_for_ide(listening_)) + "; connect with\n" +
                  typing_hints(options_.component, listening_, options_.given) + "end with Ctrl-C\n");
        }
        if (!is_loopback(listening_.address()))
            say("warning: other hosts can reach " + to_text(listening_) + " and debug " +
                options_.component + " under your name");
        wait_for_ides();
    }

    bool ready_in_background(std::string_view state) {
        auto line = protocol::parse_json(ready_line(options_.component, state, listening_, gateway_), {.fold_keys = false});
        if (const auto done = options_.background->ready(line ? std::move(*line) : protocol::json()); !done)
            return fail(connect_exit::failed, done.error()), false;
        say("ready on " + to_text(listening_) + ", for " + options_.component + " on " + gateway_);
        asked_.assign(::dup(options_.background->asked()));
        asked_.async_wait(asio::posix::stream_descriptor::wait_read, [this](auto ec) {
            if (!ec) say("asked to end"), stop(connect_exit::ok);
        });
        count_idle();
        return true;
    }

    // While no IDE is connected.
    void count_idle() {
        if (options_.idle.count() <= 0 || !sessions_.empty() || stopping_) return;
        idle_.expires_after(options_.idle);
        idle_.async_wait([this](auto ec) {
            if (ec || !sessions_.empty() || stopping_) return;
            say("no IDE for " + format_duration(options_.idle) + "; ended");
            stop(connect_exit::ok);
        });
    }

    // --- the port ---

    void wait_for_ides() {
        acceptor_.async_wait(tcp::acceptor::wait_read, [this](auto ec) {
            if (!ec && !stopping_) accept_ides();
        });
    }

    void accept_ides() {
        for (int i = 0; i < accepts_per_turn; ++i) {
            tcp::endpoint peer;
            auto size = static_cast<socklen_t>(peer.capacity());
            const int fd = accept_one(acceptor_.native_handle(), peer.data(), &size);
            if (fd < 0) {
                if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for_ides();
                if (errno == EINTR || errno == ECONNABORTED) continue;
                say(std::string("cannot accept a connection: ") + std::generic_category().message(errno));
                timer_.expires_after(accept_pause);
                timer_.async_wait([this](auto ec) {
                    if (!ec && !stopping_) wait_for_ides();
                });
                return;
            }
            peer.resize(size);
            tcp::socket socket(io_, listening_.protocol(), fd);
            accepted(std::move(socket), peer);
        }
        wait_for_ides();
    }

    void accepted(tcp::socket socket, const tcp::endpoint& peer) {
        boost::system::error_code ec;
        const auto own = listening_.address().is_unspecified() ? socket.local_endpoint(ec) : listening_;
        const auto judged = check_local_peer(own, peer);
        // With the dangerous flag, whoever is not on this host is let in; other users here are not.
        const bool stranger = judged.who == local_peer::unknown && options_.any_interface &&
                              !is_loopback(peer.address());
        if (judged.who != local_peer::own_user && !stranger) return say(judged.line);
        auto session =
            std::make_shared<laptop_session>(std::move(socket), options_.component, link_, *this);
        sessions_.emplace(session.get(), session);
        idle_.cancel();
        session->start();
    }

    void refused(std::string_view reason) override {
        if (!stopping_) say("no debug session: " + std::string(reason));
    }
    void cut_off(std::string_view reason) override {
        // With a link that broke they all end, for the reason that was told already.
        if (!stopping_ && reason != told_down_) say("a debug session was broken off: " + std::string(reason));
    }
    void rebuilt() override {
        if (!stopping_ && !options_.quiet) say("gateway restarted; view rebuilt");
    }
    void over(laptop_session& session) override {
        sessions_.erase(&session);
        if (stopping_ && sessions_.empty()) leave();
        if (ready_) count_idle();
    }

    // --- the end ---

    void fail(connect_exit code, const std::string& line) {
        if (stopping_) return;
        say(line);
        stop(code);
    }

    void stop(connect_exit code) {
        if (std::exchange(stopping_, true)) return;
        exit_ = code;
        boost::system::error_code ignored;
        if (options_.background) options_.background->leaving();
        idle_.cancel();
        asked_.close(ignored);
        acceptor_.close(ignored);
        renewing_ = renewal_ && renewal_->busy();
        if (renewal_) renewal_->stop();
        // IDEs get what is there for them, within a second or until a second signal.
        timer_.expires_after(farewell_time);
        timer_.async_wait([this](auto ec) {
            if (!ec) io_.stop();
        });
        signals_.async_wait([this](auto ec, int) {
            if (!ec) io_.stop();
        });
        const auto sessions = sessions_;
        for (const auto& [key, session] : sessions) session->end();
        link_.close("delvegate connect ends");
        if (sessions_.empty()) leave();
    }

    // What is left to do is the link's goodbye, which has its own patience.
    void leave() {
        signals_.cancel();
        boost::system::error_code ignored;
        signals_.clear(ignored);  // another one ends the process
        if (!renewing_) timer_.cancel();  // a renewal under way would be waited for
    }

    const connect_options& options_;
    const std::string gateway_;
    asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // one thread; its resolver posts, which stays safe
    laptop_link link_;
    tcp::acceptor acceptor_;
    asio::signal_set signals_;
    asio::steady_timer timer_, idle_;
    asio::posix::stream_descriptor asked_;  // in the background: by `connect --end`
    tcp::endpoint listening_;
    std::unordered_map<laptop_session*, std::shared_ptr<laptop_session>> sessions_;
    std::optional<certificate_renewal> renewal_;
    std::string told_down_;  // the last reason that was told
    std::set<std::string> told_;  // the gateway's notices
    std::optional<component_summary> found_;  // the component, while its stop is asked for
    bool ready_ = false;
    bool stopping_ = false;
    bool renewing_ = false;
    connect_exit exit_ = connect_exit::ok;
};

}  // namespace

connect_exit run_connect(const connect_options& options) {
    // A file that is missing or unfit needs no network to be told.
    if (const auto context = auth::make_client_context(options.files); !context) {
        say(context.error());
        return connect_exit::certificate;
    }
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    return connector(options).run();
}

}  // namespace gateway
