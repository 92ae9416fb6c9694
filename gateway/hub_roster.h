// Who is here, as the people of one session know it: joins, leaves and breakpoints of others are told to those who were
// here before, whoever comes late is told of them, and who follows whose logpoints.
//
// What happens within a second is told once. JSON-RPC has no message of the server's own: such a client is told nothing, and
// asks with `print delvegate who`.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/baton.h"
#include "gateway/output_ring.h"
#include "gateway/roster_news.h"
#include "protocol/json.h"

namespace gateway {

class hub;
class viewer;
struct breakpoint_wish;

class hub_roster {
public:
    hub_roster(hub& of, std::size_t output_kept);

    // --- the hub and its views say what happens -----------------------------------------------------
    void came(const viewer& v);  // it has said what it is; the others are told soon
    void went(const viewer& v);  // it is in the hub no more
    void breakpoints_changed();
    void recalled();             // breakpoints of an earlier gateway are no news

    // --- to whoever comes ---------------------------------------------------------------------------
    // Who else is here, who has the baton, where others have breakpoints: lines; none for who is alone. What they say is no
    // news for that view any more.
    std::vector<std::string> welcome(const viewer& v);
    // The same of everybody, for whoever asks: one text.
    std::string words() const;

    // What the program prints.
    output_ring& output() { return output_; }
    // Its last lines before `until`, marked as earlier ones; empty: there are none.
    std::string earlier_output(std::size_t lines, std::uint64_t until = output_ring::all) const;
    static constexpr std::size_t lines_at_once = 20;

    // --- whose logpoints are shown to whom ----------------------------------------------------------
    using told = baton::told;
    // A user, or "all".
    told follow(const viewer& v, std::string_view whom);
    // The same; empty: everybody.
    told unfollow(const viewer& v, std::string_view whom);
    // Who is to see what that one writes, but for its owner's view; all of them may read values.
    std::vector<viewer*> followers(const breakpoint_wish& of) const;
    static constexpr std::size_t most_followed = 16;

private:
    struct window {
        bool joined = false;
        std::uint64_t knows = 0;  // the news' moment
        std::set<std::string, std::less<>> follows;
    };

    std::vector<presence> here() const;
    std::vector<breakpoint_mark> marks() const;
    std::string described(const viewer& v) const;
    void soon();
    void tell();

    hub& hub_;
    output_ring output_;
    roster_news news_;
    std::map<const viewer*, window> windows_;
    boost::asio::steady_timer timer_;
    bool waits_ = false;
};

}  // namespace gateway
