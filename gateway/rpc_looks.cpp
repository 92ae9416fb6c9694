// The looks of a JSON-RPC view: replies of any size that pass through, and what is answered while the target
// runs.
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

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

// Threads and breakpoints can bring commands that `dlv connect` would run.
bool may_hold_breakpoints(std::string_view method) {
    constexpr std::string_view all[] = {"RPCServer.ListThreads", "RPCServer.GetThread", "RPCServer.ListBreakpoints",
                                        "RPCServer.GetBreakpoint", "RPCServer.ListTargets", "RPCServer.State"};
    return std::find(std::begin(all), std::end(all), method) != std::end(all);
}

}  // namespace

bool rpc_view::answer_while_running(const request& r, const judged& j) {
    if (hub_.now() != phase::running) return false;
    if (auto* known = hub_.fixed_reply(r.method)) {
        reply(r.id, *known);
        return true;
    }
    auto* kept = hub_.cached(r.method, protocol::to_text(j.arguments));
    // Kept for somebody who may read values; for others the program's standing is waited for.
    if (!kept || (!may_read() && r.method == "RPCServer.FindLocation")) return false;
    std::string line = "{\"id\":";
    protocol::append_text(line, r.id);
    line += paths_.any() ? std::string_view(paths_.result(*kept, limits_.rpc_reply)) : std::string_view(*kept);
    if (line.size() > limits_.rpc_reply) return refuse(r.id, too_large("dlv's answer", "rpcReply", limits_.rpc_reply)), true;
    answered(r.id, "ok");
    post(line);
    return true;
}

void rpc_view::look(const request& r, judged j) {
    if (answer_while_running(r, j) || look_at_thread(r, j)) return;
    if (r.method != "RPCServer.ListFunctions") starting_ = false;
    busy_ = looking_ = true;
    paused_ = head_sent_ = false;
    look_id_ = r.id;
    look_method_ = r.method;
    select_own(j.arguments);
    look_params_ = protocol::to_text(j.arguments);
    other_name_ = protocol::rpc_alias(r.method, j.arguments);
    keep_ = j.how == service::image;
    // Replies that may hold values among what an observer may see. They are small beside those that
    // are passed on as they come.
    guarding_ = may_hold_breakpoints(r.method);
    stripping_ = !may_read() && (r.method == "RPCServer.ListGoroutines" || r.method == "RPCServer.ListThreads" ||
                                 r.method == "RPCServer.GetThread" || r.method == "RPCServer.ListTargets" ||
                                 r.method == "RPCServer.FindLocation");
    stripping_ = stripping_ || (guarding_ && !shown_as_they_are(hub_.breakpoints(), reader()));
    location_ = j.arguments.get_string("Loc");
    kept_.clear();
    begin_look();
}

void rpc_view::begin_look() {
    const bool shows = protocol::rpc_shows_paths(short_name(look_method_));
    rewriter_.reset();
    if (paths_.any() && shows) rewriter_ = paths_.pass();
    hub_.rpc_look(*this, look_method_, look_params_, *this,
                  guarded([this, id = look_id_, what = std::string(short_name(look_method_))](const std::string& why) {
                      looking_ = false;
                      picked_.reset();
                      // It ran before this one's turn came: as if it had been asked for a moment later.
                      if (hub_.now() == phase::running && (what == "ListBreakpoints" || what == "GetBreakpoint"))
                          known_breakpoints(id);
                      else
                          refuse(id, hub_.now() == phase::running ? "no " + what + " now: " + why : why);
                      done();
                  }));
}

// dlv does not know the file, and Kubernetes has another name for it: that is asked for instead. True: it is.
bool rpc_view::asks_by_other_name(std::string_view reply) {
    if (!other_name_) return false;
    const auto other = *std::exchange(other_name_, std::nullopt);
    if (look_params_ == protocol::to_text(other.arguments)) {  // has been
        if (reply.starts_with(",\"result\":null")) return false;
        paths_.learn_alias(other.was, other.is);
        if (paths_.any()) rewriter_ = paths_.pass();
        return false;
    }
    if (over_ || !reply.ends_with(" not found\"}\n")) return false;
    location_ = other.arguments.get_string("Loc");
    look_params_ = protocol::to_text(other.arguments);
    other_name_ = other;
    begin_look();
    return true;
}

bool rpc_view::piece(std::string_view bytes, bool last) {
    const auto came = time_histogram::clock::now();
    if (other_name_ && last && !head_sent_ && kept_.empty() && asks_by_other_name(bytes)) return true;
    // Nearly every such reply comes whole, and has nothing in it that would have to be taken out.
    if (guarding_ && !stripping_) {
        guarding_ = !(last && kept_.empty() && !protocol::may_hold_commands(bytes));
        stripping_ = guarding_;
    }
    if (stripping_) {
        kept_ += bytes;
        if (kept_.size() > limits_.rpc_reply && !over_) return stop_reply(last);
        if (!last) return true;
        looking_ = stripping_ = false;
        send_stripped(std::exchange(kept_, {}));
        look_is_answered(came);
        done();
        return true;
    }
    const auto from_dlv = bytes;
    std::string mapped;
    if (paths_.any()) bytes = in_own_paths(bytes, mapped);
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
        look_audited_ = take_open(look_id_);
        reply_tail_.clear();
        if (!last) begin_reply();
        send(head);
    } else {
        send(bytes);
    }
    const bool refused = refused_by_dlv(from_dlv);
    if (keep_ && kept_.size() + from_dlv.size() <= max_kept)
        kept_ += from_dlv;
    else
        keep_ = false;
    if (last) {
        looking_ = false;
        audit_.outcome(std::exchange(look_audited_, {}), refused ? "dlv refused" : "ok");
        end_reply();
        look_is_answered(came);
        if (keep_ && kept_.ends_with(",\"error\":null}\n")) hub_.cache(look_method_, look_params_, std::exchange(kept_, {}));
        kept_ = {};
        done();
        return true;
    }
    paused_ = has_to_wait();
    return !paused_;
}

std::string_view rpc_view::in_own_paths(std::string_view bytes, std::string& into) {
    // Of values nothing is read but why there are none.
    if (!rewriter_ && !head_sent_ && bytes.starts_with(",\"result\":null")) rewriter_ = paths_.pass();
    if (!rewriter_) return bytes;
    rewriter_->feed(bytes, into);
    return into;
}

// Whether what has been passed on, ending with this piece, says that dlv refused. Its words may hold values,
// so only the fact is recorded.
bool rpc_view::refused_by_dlv(std::string_view piece) {
    constexpr std::string_view success = ",\"error\":null}\n";
    reply_tail_.append(piece.substr(piece.size() - std::min(piece.size(), success.size())));
    reply_tail_.erase(0, reply_tail_.size() - std::min(reply_tail_.size(), success.size()));
    return reply_tail_ != success;
}

// The reply goes beyond limits.rpcReply. dlv writes no length in front, so the IDE may have a part of it
// already, and nothing can follow half a reply; else this one request fails. The hub drops the rest.
bool rpc_view::stop_reply(bool last) {
    looking_ = keep_ = stripping_ = false;
    kept_ = {};
    picked_.reset();
    if (!last) hub_.forget_look(*this);
    auto why = too_large("dlv's answer to " + std::string(short_name(look_method_)), "rpcReply", limits_.rpc_reply);
    audit_.outcome(std::exchange(look_audited_, {}), why);
    if (broken_reply(why)) return true;
    refuse(look_id_, why);
    done();
    return true;
}

void rpc_view::broken(std::string_view reason) {
    looking_ = stripping_ = false;
    picked_.reset();
    audit_.outcome(std::exchange(look_audited_, {}), reason);
    if (!broken_reply(reason)) refuse(look_id_, reason);
    // Not from within whoever lost it: what waits behind it is a request of its own.
    asio::post(hub_.context(), guarded([this] { done(); }));
}

void rpc_view::writable() {
    if (!paused_) return;
    paused_ = false;
    hub_.resume_look(*this);
}

}  // namespace gateway
