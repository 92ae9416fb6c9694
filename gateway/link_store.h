// The links whose connection broke, kept for their laptops to come back (docs/protocol.md), each under a secret name:
// its token. Whoever has the token and is the same person, in the same groups and by the same CA, goes on with it.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/carrier.h"
#include "gateway/link_streams.h"

namespace gateway {

class link_store {
public:
    // A link that is up.
    class live {
    public:
        virtual ~live() = default;
        virtual const auth::identity& identity() const = 0;
        // Its laptop has come by another connection: keep() is called before this returns.
        virtual void displaced() = 0;
    };

    explicit link_store(gateway_parts& parts);
    ~link_store();
    link_store(const link_store&) = delete;
    link_store& operator=(const link_store&) = delete;

    // 128 bits that nobody guesses, in hex.
    static std::string new_token();

    void up(const std::string& token, live& link);
    // Not any more, if it is that one: its streams may be up in another connection since.
    void down(const std::string& token, const live& link);

    // Takes the streams of a link whose connection broke, for limits.resumeTime.
    void keep(const std::string& token, const caller& who, link_streams& from);

    // The streams of that link, to be taken over at once, before anything else happens; null: `no` says why not, in
    // one line. What it says of a link of somebody else is what it says when there is none.
    // `unknown`: of a link that this gateway was never told the end of.
    link_streams* find(const std::string& token, const caller& who, std::string& no, bool* unknown = nullptr);
    void taken(const std::string& token);
    void give_up(const std::string& token, std::string_view reason);
    void give_up_all(std::string_view reason);

    std::size_t links() const { return held_.size(); }
    std::size_t streams() const;
    std::size_t bytes() const;  // what they cost, as limits.resumeBuffer counts it

private:
    class held;
    struct epitaph {
        std::string token, user, authority, reason;
    };
    using shelf = std::map<std::string, std::unique_ptr<held>>;

    static bool same(const auth::identity& a, const auth::identity& b);
    void make_room(const std::string& user);
    void look_at_memory();
    void end(shelf::iterator at, std::string_view reason);

    gateway_parts& parts_;
    std::map<std::string, live*> up_;
    shelf held_;
    std::list<std::unique_ptr<held>> dying_;  // their users may be on the stack
    std::deque<epitaph> given_up_;            // so that those who come back are told why
    std::uint64_t order_ = 0;
    bool looking_ = false;
    bool displacing_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
