// The looks of a JSON-RPC view: replies of any size that pass through, and what is answered while the target
// runs.
#include "gateway/rpc_view.h"

namespace gateway {

using protocol::service;

namespace {

// A reply kept for the time when the target runs; larger ones are fetched anew.
constexpr std::size_t max_kept = 4u << 20;

// "Command continue" of "RPCServer.Command"; the part of a method's name people know.
std::string_view short_name(std::string_view method) {
    auto dot = method.find('.');
    return dot == method.npos ? method : method.substr(dot + 1);
}

}  // namespace

bool rpc_view::answer_while_running(const request& r, const judged& j) {
    if (hub_.now() != phase::running) return false;
    if (auto* known = hub_.fixed_reply(r.method)) {
        reply(r.id, *known);
        return true;
    }
    auto* kept = hub_.cached(r.method, protocol::to_text(j.arguments));
    if (!kept) return false;
    std::string line = "{\"id\":";
    protocol::append_text(line, r.id);
    line += *kept;
    post(line);
    return true;
}

void rpc_view::look(const request& r, judged j) {
    if (answer_while_running(r, j)) return;
    if (r.method != "RPCServer.ListFunctions") starting_ = false;
    busy_ = looking_ = true;
    paused_ = head_sent_ = false;
    look_id_ = r.id;
    look_method_ = r.method;
    look_params_ = protocol::to_text(j.arguments);
    keep_ = j.how == service::image;
    kept_.clear();
    hub_.rpc_look(*this, r.method, look_params_, *this,
                  guarded([this, id = r.id, what = std::string(short_name(r.method))](const std::string& why) {
                      looking_ = false;
                      refuse(id, hub_.now() == phase::running ? "no " + what + " now: " + why : why);
                      done();
                  }));
}

bool rpc_view::piece(std::string_view bytes, bool last) {
    std::string head;
    if (!head_sent_) {
        head = "{\"id\":";
        protocol::append_text(head, look_id_);
        reply_size_ = head.size();
    }
    reply_size_ += bytes.size();
    if (reply_size_ > limits_.rpc_reply && !over_) return stop_reply(last);
    if (!head_sent_) {
        // One send for a reply that came in one piece, which nearly all do.
        head += bytes;
        head_sent_ = true;
        if (!last) begin_reply();
        send(head);
    } else {
        send(bytes);
    }
    if (keep_ && kept_.size() + bytes.size() <= max_kept)
        kept_ += bytes;
    else
        keep_ = false;
    if (last) {
        looking_ = false;
        end_reply();
        if (keep_ && kept_.ends_with(",\"error\":null}\n")) hub_.cache(look_method_, look_params_, std::exchange(kept_, {}));
        kept_ = {};
        done();
        return true;
    }
    paused_ = !over_ && peer_.unsent() > high_water;
    return !paused_;
}

// The reply goes beyond limits.rpcReply. dlv writes no length in front, so the IDE may have a part of it
// already, and nothing can follow half a reply; else this one request fails. The hub drops the rest.
bool rpc_view::stop_reply(bool last) {
    looking_ = keep_ = false;
    kept_ = {};
    if (!last) hub_.forget_look(*this);
    auto why = too_large("dlv's answer to " + std::string(short_name(look_method_)), "rpcReply", limits_.rpc_reply);
    if (broken_reply(why)) return true;
    refuse(look_id_, why);
    done();
    return true;
}

void rpc_view::broken(std::string_view reason) {
    looking_ = false;
    busy_ = false;
    if (!broken_reply(reason)) refuse(look_id_, reason);
}

void rpc_view::writable() {
    if (!paused_) return;
    paused_ = false;
    hub_.resume_look(*this);
}

}  // namespace gateway
