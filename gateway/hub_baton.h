// The baton of one hub: which of its viewers are one person, who is asked before the target moves, and what people
// are told of it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <string>
#include <string_view>

#include "auth/identity.h"
#include "gateway/baton.h"
#include "protocol/json.h"

namespace gateway {

class hub;
class viewer;
struct stop;

person person_of(const auth::identity& who);

class hub_baton {
public:
    hub_baton(hub& of, baton_settings settings, boost::asio::io_context& context);

    // Empty: `who` may run the target now; else who comes first, in one line.
    std::string refusal(const person& who) const;
    const std::optional<person>& holder() const { return baton_.holder(); }
    void runs(const person& who, bool step);
    void pauses(const person& who);
    void seen(const person& who);
    void stops(const stop& at);
    void recall(const person& who, std::chrono::system_clock::time_point since);
    const baton& rules() const { return baton_; }
    // Who has it, and since when.
    std::optional<std::pair<person, std::chrono::system_clock::time_point>> holder_since() const;
    void tell_who_is_first();  // after the stop was told
    void left(const person& who);
    // Rights have changed: who may not run it has it no more, and does not wait for it.
    void recheck();

    // `delvegate baton VERB [USER]`; an empty verb only tells. The caller has judged who may: control, of take lifecycle.
    // `rules`: they have lifecycle, and may give and drop what is another's.
    baton::told carry_out(const person& by, bool rules, std::string_view verb, std::string_view to);
    // Who has it, since when, and who asks for it; empty where there is none.
    std::string words() const;
    // {"holder","since","first":[…],"asking":[…],"mode"}
    protocol::json describe() const;

private:
    bool here(const person& who) const;
    void tell(const person& who, const std::string& text);
    void tell_others(const person& but, const std::string& text);
    void passed(const std::optional<baton::passing>& what);
    void watch();

    hub& hub_;
    baton baton_;
    boost::asio::steady_timer timer_;  // somebody waits for an idle holder
};

}  // namespace gateway
