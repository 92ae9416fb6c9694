// Says no in the IDE's own words. What each client shows was measured: VS Code shows the error of
// `initialize` as a dialog and a closed socket as nothing useful; `dlv connect` ignores every error
// at its start but that of its halt; GoLand prints the error of any request.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "gateway/directory.h"
#include "protocol/printable.h"
#include "protocol/dap.h"
#include "protocol/detect.h"
#include "protocol/rpc.h"

namespace gateway {
namespace {

// A client that was refused has little to say; one that goes on regardless is cut off.
constexpr int max_messages = 64;
constexpr std::size_t max_message_size = 1024 * 1024;
constexpr std::size_t max_reason_size = 2048;
// Delve's own id for a session that cannot be attached to.
constexpr int failed_to_attach = 3001;

// One printable line of bounded size: the reason ends up on terminals and in dialogs.
std::string one_line(std::string_view text) {
    std::string line = protocol::printable(text);
    if (line.size() > max_reason_size) {
        line.resize(max_reason_size);
        while (!line.empty() && !protocol::valid_utf8(line)) line.pop_back();
    }
    return line.empty() ? "the debug session was refused" : line;
}

class refusal final : public stream_user {
public:
    refusal(stream_peer& peer, std::string_view reason)
        : peer_(peer), reason_(one_line(reason)) {}

    void received(std::string_view bytes) override {
        peer_.consumed(bytes.size());
        if (over_) return;
        if (!dialect_ && !sniff(bytes)) return;
        if (*dialect_ == protocol::dialect::dap)
            answer_dap(bytes);
        else
            answer_rpc(bytes);
    }
    void writable() override {}
    void ended() override { finish(); }
    void lost(std::string_view) override { over_ = true; }

private:
    // Drops leading white space; false: nothing to answer yet, or ever.
    bool sniff(std::string_view& bytes) {
        std::size_t skip = 0;
        const auto found = protocol::detect(bytes, skip);
        if (!found) {
            finish();
            return false;
        }
        // A client that sends white space for ever is bounded like one that sends messages.
        if (!*found) {
            if (++messages_ >= max_messages) finish();
            return false;
        }
        dialect_ = **found;
        bytes.remove_prefix(skip);
        return true;
    }

    void answer_dap(std::string_view bytes) {
        frames_.feed(bytes);
        protocol::error_code ec;
        while (!over_) {
            const auto body = frames_.next(ec);
            if (!body) break;
            const auto request = protocol::parse_dap_request(*body);
            if (!request) {
                ec = request.error();
                break;
            }
            const bool leaving = request->command == "disconnect" || request->command == "terminate";
            if (leaving)
                peer_.send(protocol::encode_dap_response(++seq_, *request, nullptr));
            else
                peer_.send(dap_error(*request));
            if (leaving || ++messages_ >= max_messages) end_dap();
        }
        if (ec && !over_) end_dap();
    }

    std::string dap_error(const protocol::dap_request& request) {
        protocol::json error;
        error.set("id", failed_to_attach);
        error.set("format", reason_);
        error.set("showUser", true);
        protocol::json body;
        body.set("error", std::move(error));
        protocol::json answer;
        answer.set("seq", ++seq_);
        answer.set("type", "response");
        answer.set("request_seq", request.seq);
        answer.set("success", false);
        answer.set("command", request.command);
        answer.set("message", reason_);
        answer.set("body", std::move(body));
        return protocol::frame(protocol::to_text(answer));
    }

    void end_dap() {
        peer_.send(protocol::encode_dap_event(++seq_, "terminated", nullptr));
        finish();
    }

    void answer_rpc(std::string_view bytes) {
        requests_.feed(bytes);
        protocol::error_code ec;
        while (!over_) {
            const auto text = requests_.next(ec);
            if (!text) break;
            const auto request = protocol::parse_rpc_request(*text);
            if (!request) {
                ec = request.error();
                break;
            }
            answer_rpc(*request);
            if (++messages_ >= max_messages) finish();
        }
        if (ec) finish();
    }

    // `dlv connect` asks SetApiVersion, IsMulticlient, State, and shows only the error of the halt
    // that it sends to a running target of a multi-client server.
    void answer_rpc(const protocol::rpc_request& request) {
        using protocol::json;
        const std::string_view method = request.method;
        if (method == "RPCServer.SetApiVersion") return ok(request, json::object{});
        if (method == "RPCServer.IsMulticlient")
            return ok(request, json::object{{"IsMulticlient", true}});
        if (method == "RPCServer.GetVersion")
            return ok(request, json::object{{"DelveVersion", "delvegate " DELVEGATE_VERSION},
                                            {"APIVersion", 2},
                                            {"Backend", ""},
                                            {"TargetGoVersion", ""},
                                            {"MinSupportedVersionOfGo", ""},
                                            {"MaxSupportedVersionOfGo", ""}});
        if (method == "RPCServer.State" && flag(request.params, "nonblocking"))
            return ok(request, json::object{{"State", running()}});
        if (method == "RPCServer.Detach") {
            ok(request, json::object{});
            return finish();
        }
        if (method == "RPCServer.Command") {
            const bool halt = command_name(request.params) == "halt";
            // `dlv connect` prints the halt's error without a newline behind it.
            fail(request, halt ? reason_ + "\n" : reason_);
            // A resume is what GoLand's start ends with: nothing would ever follow on this stream.
            if (!halt) finish();
            return;
        }
        fail(request, reason_);
    }

    static protocol::json running() {
        using protocol::json;
        return json::object{{"Pid", 0},
                            {"TargetCommandLine", ""},
                            {"Running", true},
                            {"Recording", false},
                            {"CoreDumping", false},
                            {"Threads", nullptr},
                            {"NextInProgress", false},
                            {"WatchOutOfScope", nullptr},
                            {"exited", false},
                            {"exitStatus", 0},
                            {"When", ""}};
    }

    // Keys arrive in any case (GoLand writes `Name`).
    static const protocol::json* member(const protocol::json& params, std::string_view folded) {
        const auto* object = params.if_object();
        if (!object) return nullptr;
        for (const auto& [key, value] : *object)
            if (protocol::fold_key(key) == folded) return &value;
        return nullptr;
    }
    static bool flag(const protocol::json& params, std::string_view folded) {
        const auto* value = member(params, folded);
        const auto* set = value ? value->if_bool() : nullptr;
        return set && *set;
    }
    static std::string_view command_name(const protocol::json& params) {
        const auto* value = member(params, "name");
        const auto* name = value ? value->if_string() : nullptr;
        return name ? std::string_view(*name) : std::string_view();
    }

    void ok(const protocol::rpc_request& request, const protocol::json& result) {
        peer_.send(protocol::encode_rpc_result(request.id, result));
    }
    void fail(const protocol::rpc_request& request, std::string_view why) {
        peer_.send(protocol::encode_rpc_error(request.id, why));
    }
    void finish() {
        if (std::exchange(over_, true)) return;
        peer_.finish();
    }

    stream_peer& peer_;
    const std::string reason_;
    std::optional<protocol::dialect> dialect_;
    protocol::frame_decoder frames_{max_message_size};
    protocol::value_splitter requests_{max_message_size};
    std::int64_t seq_ = 0;
    int messages_ = 0;
    bool over_ = false;
};

}  // namespace

std::unique_ptr<stream_user> make_refusal(stream_peer& peer, std::string reason) {
    return std::make_unique<refusal>(peer, reason);
}

}  // namespace gateway
