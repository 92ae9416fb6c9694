// The paths of one viewer: what it gave as rules, what its IDE and its checkout tell, and what follows for its requests
// and replies. Without rules nothing is read and nothing is copied.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/hub.h"
#include "protocol/local_sources.h"
#include "protocol/operations.h"
#include "protocol/path_map.h"
#include "protocol/path_rewriter.h"
#include "protocol/request_paths.h"

namespace gateway {

class viewer_paths {
public:
    // `from_link`: what `connect` sent with the stream; null: nothing.
    explicit viewer_paths(std::shared_ptr<const protocol::client_paths> from_link);

    bool any() const { return !map_.empty(); }
    std::string to_server(std::string_view path) const { return map_.to_server(path); }
    std::string to_client(std::string_view path) const { return map_.to_client(path); }
    // A text with paths of the program's, and one of the client's.
    std::string text(std::string_view of_dlv) const { return any() ? map_.text_to_client(of_dlv) : std::string(of_dlv); }
    std::string location(std::string_view of_client) const { return map_.location_to_server(of_client); }

    // --- requests ---------------------------------------------------------------------------------
    // The request with the program's paths, judged anew where there are any: rules are the client's, and what is judged
    // is what dlv gets.
    // True: it is, and its rights are to be looked at anew.
    bool apply(const protocol::rpc_request& r, protocol::judged& j, const protocol::clamps& limits) const;
    bool apply(const protocol::dap_request& r, protocol::judged& j, const protocol::clamps& limits) const;
    // The program knows the file by its other name in Kubernetes: the client goes on with its own.
    void learn_alias(std::string_view asked_for, std::string_view found);
    // Does a CreateBreakpoint or a FindLocation, and again with the file's other name when dlv does not know the first.
    using question = std::function<asio::awaitable<rpc_outcome>(protocol::json arguments)>;
    asio::awaitable<rpc_outcome> by_either_name(std::string_view method, const question& ask, protocol::json arguments);

    // --- replies ----------------------------------------------------------------------------------
    // The text of a result, of a line from behind its id on, or of a DAP message from behind its request_seq on. What
    // becomes longer than `most` is not completed, and is for the caller to refuse.
    std::string result(std::string_view json, std::size_t most) const;
    protocol::path_rewriter pass() const { return {map_, protocol::rpc_reply_field}; }  // the same, as it comes
    std::string dap_reply(std::string_view operation, std::string_view json, std::size_t most) const;
    bool in_replies_to(std::string_view operation) const;  // of DAP, that succeed

    // --- rules that come later ------------------------------------------------------------------------
    // Takes substitutePath and guessSubstitutePath out of an attach for the window at dlv, whose own mapping would be
    // in the way (it changes the case of what comes from Windows). A reason, when there are too many or too long ones.
    std::string attach(protocol::json& arguments);
    // `dlv config substitutePath …`: answered here, as Delve would. nullopt: not that.
    struct configured {
        std::string result, error;
    };
    std::optional<configured> configure(const protocol::judged& j);
    std::string substitute_path() const;  // as `dlv config -list` shows it

    // A checkout is known, and not yet where the program was built. Then learn() is due before anything with paths is
    // answered; the program must stand still.
    bool pending() const { return !sources_.empty(); }
    // Inside work of the hub. What is worth a person's attention, in lines.
    asio::awaitable<std::vector<std::string>> learn(hub& h);

private:
    void add(const std::vector<protocol::path_rule>& rules);

    protocol::path_map map_;
    protocol::local_sources sources_;
    bool asked_for_ = false;  // by the person, with --source: a guess that fails is worth a word
};

// Learns `paths` as work of the hub and then calls `then`, in any case. `halt`: also while the program runs, which is
// halted for it, as for the breakpoint that is to be set.
void learn_then(hub& h, viewer& v, viewer_paths& paths, bool halt, std::function<void(const std::vector<std::string>&)> then);

}  // namespace gateway
