#include "tests/support/standin/dlv.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "protocol/dap.h"
#include "protocol/rpc.h"

namespace standin {

namespace {

constexpr std::size_t largest = 4u << 20;

}  // namespace

// One client, of either protocol.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(dlv& of, asio::local::stream_protocol::socket socket)
        : dlv_(of), alive_(of.alive_), socket_(std::move(socket)), values_(largest), frames_(largest) {}

    void read() {
        socket_.async_read_some(asio::buffer(bytes_), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
            if (ec || self->alive_.expired()) return;
            const std::string_view got(self->bytes_.data(), n);
            if (!std::exchange(self->known_, true)) self->dap_ = got.front() == 'C';
            if (self->dap_) self->frames_.feed(got);
            else self->values_.feed(got);
            self->take();
            self->read();
        });
    }
    void close() {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

private:
    void take() {
        while (!busy_) {
            boost::system::error_code ec;
            const auto text = dap_ ? frames_.next(ec) : values_.next(ec);
            if (ec || !text) return;
            busy_ = true;
            if (dap_) {
                if (auto r = protocol::parse_dap_request(*text)) dlv_.later([self = shared_from_this(), r = std::move(*r)] { self->serve_dap(r); });
            } else if (auto r = protocol::parse_rpc_request(*text)) {
                dlv_.later([self = shared_from_this(), r = std::move(*r)] { self->serve_rpc(r); });
            }
        }
    }
    void next() {
        busy_ = false;
        take();
    }
    void send(std::string text) {
        out_ += text;
        if (!writing_) write();
    }
    void write() {
        if (out_.empty()) return;
        writing_ = true;
        auto keep = std::make_shared<std::string>(std::exchange(out_, {}));
        asio::async_write(socket_, asio::buffer(*keep), [self = shared_from_this(), keep](const boost::system::error_code& ec, std::size_t) {
            self->writing_ = false;
            if (!ec) self->write();
        });
    }

    // --- JSON-RPC ---------------------------------------------------------------------------------------------------

    using request = protocol::rpc_request;
    void reply(const request& r, const debugger::answer& with) {
        auto text = with.error.empty() ? protocol::encode_rpc_result(r.id, with.result) : protocol::encode_rpc_error(r.id, with.error);
        if (!text.ends_with('\n')) text += '\n';
        send(std::move(text));
    }
    void reply_state(const request& r, json state) { reply(r, {json::object{{"State", std::move(state)}}, {}}); }

    void serve_rpc(const request& r) {
        const auto self = shared_from_this();
        auto& d = dlv_;
        const std::string_view name = std::string_view(r.method).substr(r.method.find('.') + 1);
        if (name == "Command") return command(r);
        if (name == "State") {
            next();
            if (r.params.get_bool("NonBlocking") && d.running_) return reply_state(r, d.debugger_.state(true));
            return d.lock([self, r] {
                self->reply_state(r, self->dlv_.debugger_.state(false));
                self->dlv_.unlock();
            });
        }
        if (const auto known = unlocked(name)) {
            reply(r, {*known, {}});
            return next();
        }
        d.lock([self, r, name = std::string(name)] {
            self->reply(r, self->ask(name, r.params));
            self->dlv_.unlock();
            self->next();
        });
    }

    static std::optional<json> unlocked(std::string_view name) {
        if (name == "GetVersion") return json::object{{"DelveVersion", "Version: 1.27.1"}, {"APIVersion", 2}, {"Backend", "native"}};
        if (name == "IsMulticlient") return json::object{{"IsMulticlient", true}};
        if (name == "SetApiVersion") return json::object{};
        if (name == "AttachedToExistingProcess") return json::object{{"Answer", false}};
        return std::nullopt;
    }

    debugger::answer ask(std::string_view name, const json& arguments) {
        auto& d = dlv_.debugger_;
        if (name == "CreateBreakpoint") return d.create(arguments);
        if (name == "AmendBreakpoint") return d.amend(arguments);
        if (name == "ClearBreakpoint") return d.clear(arguments.get_int("Id"));
        if (name == "GetBreakpoint") return d.get(arguments.get_int("Id"));
        if (name == "FindLocation") return d.find_location(arguments.get_string("Loc"));
        if (name == "Eval") return d.evaluate(arguments.get_string("Expr"));
        if (name == "CancelNext") return d.cancel_step(), debugger::answer{json::object{}, {}};
        if (name == "Restart") return d.restart(), debugger::answer{json::object{{"DiscardedBreakpoints", json::array{}}}, {}};
        if (name == "ListBreakpoints") return {json::object{{"Breakpoints", d.breakpoints()}}, {}};
        if (name == "ListThreads") return {json::object{{"Threads", d.threads()}}, {}};
        if (name == "Stacktrace") return {json::object{{"Locations", d.stack()}}, {}};
        if (name == "ProcessPid") return {json::object{{"Pid", d.pid()}}, {}};
        if (name == "LastModified") return {json::object{{"Time", "2026-11-23T21:37:08Z"}}, {}};
        if (name == "BuildID") return {json::object{{"BuildID", "e47a9524"}}, {}};
        if (name == "FollowExecEnabled") return {json::object{{"Enabled", false}}, {}};
        if (name == "ListTargets") return {json::object{{"Targets", json::array{}}}, {}};
        return {{}, "rpc: can't find method RPCServer." + std::string(name)};
    }

    void command(const request& r) {
        const auto self = shared_from_this();
        const std::string name(r.params.get_string("name"));
        if (name == "halt") {
            dlv_.request_halt();
            return dlv_.lock([self, r] {
                self->dlv_.running_ = true;
                self->next();
                self->dlv_.later([self, r] {
                    self->dlv_.running_ = false;
                    self->reply_state(r, self->dlv_.debugger_.state(false));
                    self->dlv_.unlock();
                });
            });
        }
        if (name == "switchGoroutine" || name == "switchThread")
            return dlv_.lock([self, r] {
                self->reply_state(r, self->dlv_.debugger_.state(false));
                self->dlv_.unlock();
                self->next();
            });
        dlv_.lock([self, r, name] {
            self->dlv_.resume(name, [self] { self->next(); }, [self, r](json state) { self->reply_state(r, std::move(state)); });
        });
    }

    // --- DAP --------------------------------------------------------------------------------------------------------

    void respond(const protocol::dap_request& r, const json& body) { send(protocol::encode_dap_response(seq_++, r, body)); }

    void serve_dap(const protocol::dap_request& r) {
        const auto self = shared_from_this();
        if (r.command == "initialize") {
            respond(r, json::object{{"supportsConfigurationDoneRequest", true}, {"supportsLogPoints", true}});
            return next();
        }
        if (r.command == "attach" && dlv_.running_) {
            dlv_.request_halt();
            if (dlv_.resumed_) ++dlv_.halted_by_attach_;
        }
        dlv_.lock([self, r] {
            self->look(r);
            self->dlv_.unlock();
            self->next();
        });
    }

    void look(const protocol::dap_request& r) {
        auto& d = dlv_.debugger_;
        if (r.command == "attach") {
            send(protocol::encode_dap_event(seq_++, "initialized", {}));
            return respond(r, {});
        }
        if (r.command == "configurationDone") {
            d.keeps_steps = true;
            return respond(r, {});
        }
        if (r.command == "threads")
            return respond(r, json::object{{"threads", json::array{json(json::object{{"id", 1}, {"name", "* [Go 1] " + script()[d.at()].function}})}}});
        if (r.command == "stackTrace") {
            json::array frames;
            const json stack = d.stack();
            for (const auto& one : *stack.if_array()) {
                json frame = json::object{{"id", next_frame_++}};
                frame.set("name", one.find("function")->get_string("name"));
                frame.set("line", one.get_int("line"));
                frame.set("column", 0);
                frames.push_back(std::move(frame));
            }
            const auto total = static_cast<std::int64_t>(frames.size());
            return respond(r, json::object{{"stackFrames", std::move(frames)}, {"totalFrames", total}});
        }
        if (r.command == "evaluate") {
            const auto value = d.evaluate(r.arguments.get_string("expression"));
            if (!value.error.empty()) return send(protocol::encode_dap_error(seq_++, r, 2009, "Unable to evaluate expression", value.error, false));
            return respond(r, json::object{{"result", value.result.find("Variable")->get_string("value")}, {"variablesReference", 0}});
        }
        send(protocol::encode_dap_error(seq_++, r, 9999, "Unsupported command", r.command, false));
    }

    dlv& dlv_;
    std::weak_ptr<int> alive_;
    asio::local::stream_protocol::socket socket_;
    std::array<char, 16384> bytes_{};
    bool known_ = false, dap_ = false, busy_ = false, writing_ = false;
    protocol::value_splitter values_;
    protocol::frame_decoder frames_;
    std::string out_;
    std::int64_t seq_ = 1;
    std::int64_t next_frame_ = 1000;  // counted up for as long as the session lasts
};

// --- the lock, and who runs ---------------------------------------------------------------------------------------------

dlv::dlv(asio::io_context& context, std::string socket, unsigned seed)
    : context_(context), path_(std::move(socket)), acceptor_(context, asio::local::stream_protocol::endpoint(path_)), random_(seed) {
    accept();
}

dlv::~dlv() {
    for (auto& one : connections_) one->close();
}

void dlv::accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr<int>(alive_)](const boost::system::error_code& ec, auto socket) {
        if (ec || alive.expired()) return;
        connections_.push_back(std::make_shared<connection>(*this, std::move(socket)));
        connections_.back()->read();
        accept();
    });
}

void dlv::later(step then) {
    if (random_() % 3 == 0)
        asio::post(context_, [this, alive = std::weak_ptr<int>(alive_), then = std::move(then)] {
            if (!alive.expired()) later(then);
        });
    else
        asio::post(context_, [alive = std::weak_ptr<int>(alive_), then = std::move(then)] {
            if (!alive.expired()) then();
        });
}

void dlv::lock(step then) {
    if (locked_) return waiting_.push_back(std::move(then));
    locked_ = true;
    then();
}

void dlv::unlock() {
    if (waiting_.empty()) {
        locked_ = false;
        return;
    }
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    later(std::move(next));
}

void dlv::resume(std::string command, step begun, std::function<void(json)> rested) {
    running_ = true;
    ++resumes_;
    rested_ = std::move(rested);
    later([this, command = std::move(command), begun = std::move(begun)] {
        halt_requested_ = false;  // what came before is lost
        debugger_.begin(command);
        resumed_ = true;
        later(begun);
        later([this] { walk(); });
    });
}

void dlv::walk() {
    bool rests = std::exchange(halt_requested_, false);
    if (rests)
        debugger_.halt();
    else
        rests = debugger_.advance();
    if (!rests) return later([this] { walk(); });
    resumed_ = running_ = false;
    auto tell = std::exchange(rested_, nullptr);
    tell(debugger_.state(false));
    unlock();
}

}  // namespace standin
