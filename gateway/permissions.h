// The policy of now: policy.yaml together with what gateway.yaml lists for its components. Everybody who
// decides asks here for every message, so a change bites at once.
//
// Used from the one io_context thread; an auth::grants taken from here stays what it is when the policy
// is replaced, and on_change tells its holder to take a new one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.h"
#include "auth/tls.h"
#include "gateway/config.h"

namespace gateway {

// The policy that a configuration stands for, read from `file` (none: "") and its components' lists.
auth::outcome<auth::policy> load_policy(const std::string& file,
                                        const std::vector<component_config>& components);

class permissions {
public:
    // Until the first reload() or replace() only the components' lists admit anybody.
    permissions(std::string file, std::vector<component_config> components);

    // Reads the file again. A broken one changes nothing: the old policy goes on, and the error, one
    // line with its place, is returned and kept for error(). Without a file it always succeeds.
    auth::outcome<void> reload();
    // Puts `file_policy` in the file's place; the components' lists stay. Tells the listeners.
    void replace(const auth::policy& file_policy);

    const std::string& file() const { return file_; }     // empty: none configured
    const std::string& error() const { return error_; }   // why the file is not in force; else empty
    std::uint64_t generation() const { return generation_; }  // grows with every change

    auth::grants of(const auth::identity& who, std::string_view component) const {
        return policy_.of(who, component);
    }
    const auth::policy& current() const { return policy_; }

    // Why somebody who is not here would not be let in any more, whoever they are to the policy; empty: they would be, once their
    // certificate is good. Set once, at the start.
    std::function<std::string(const auth::identity&)> revoked = [](const auth::identity&) { return std::string(); };

    // Called after every change, in the order they were added; for the life of this object.
    void on_change(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

private:
    void take(auth::policy with_components);

    const std::string file_;
    const std::vector<component_config> components_;
    auth::policy policy_;
    std::string error_;
    std::uint64_t generation_ = 0;
    std::vector<std::function<void()>> listeners_;
};

}  // namespace gateway
